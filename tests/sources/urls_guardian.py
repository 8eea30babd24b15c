from django.http import HttpResponse
from django.urls import path
from guardian.decorators import permission_required

from tests.guarded.models import Plan
from tests.sources import urls


@permission_required("guarded.change_plan", (Plan, "slug", "slug"))
def plan(request, slug):
    return HttpResponse(slug)


@permission_required("guarded.change_plan", (Plan, "slug", "slug"), return_403=True)
def plan_strict(request, slug):
    return HttpResponse(slug)


urlpatterns = [
    *urls.urlpatterns,
    path("plans/<slug:slug>/", plan),
    path("plans/<slug:slug>/strict/", plan_strict),
]
