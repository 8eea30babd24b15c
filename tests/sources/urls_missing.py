from tests.sources.urls import urlpatterns

__all__ = ["urlpatterns"]

handler403 = "tests.sources.views.missing"
