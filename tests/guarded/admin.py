from django.contrib import admin
from guardian.admin import GuardedModelAdmin

from tests.guarded.models import Plan

admin.site.register(Plan, GuardedModelAdmin)
