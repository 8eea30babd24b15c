"""Objects whose permissions django-guardian keeps in tables of their own."""

from django.db import models
from guardian.models import GroupObjectPermissionBase, UserObjectPermissionBase


class Plan(models.Model):
    """Has its permissions in the tables that all models share; its key is no number."""

    slug = models.SlugField(primary_key=True)

    def __str__(self) -> str:
        return self.slug


class Project(models.Model):
    name = models.CharField(max_length=50)

    def __str__(self) -> str:
        return self.name


class ProjectUserObjectPermission(UserObjectPermissionBase):  # type: ignore[misc]  # has no types
    content_object = models.ForeignKey(Project, models.CASCADE)


class ProjectGroupObjectPermission(GroupObjectPermissionBase):  # type: ignore[misc]
    content_object = models.ForeignKey(Project, models.CASCADE)
