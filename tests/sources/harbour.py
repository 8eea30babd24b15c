"""A provider for social-auth-app-django, and steps that a project adds to its pipeline."""

from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from social_core.backends.oauth import BaseOAuth2PKCE
from social_core.exceptions import AuthPolicyError


class Harbour(BaseOAuth2PKCE):  # type: ignore[misc]  # has no types
    name = "harbour"
    ID_KEY = "number"

    def authorization_url(self):
        return self.setting("URL") + "/authorize"

    def access_token_url(self):
        return self.setting("URL") + "/token"

    def user_data(self, access_token, *args, **kwargs):
        headers = {"Authorization": f"Bearer {access_token}"}
        return self.get_json(self.setting("URL") + "/user", headers=headers)

    def get_user_details(self, response):
        return {"username": response["login"], "email": response["email"]}


def nobody(**kwargs):
    return {"user": None}


def denies(**kwargs):
    raise PermissionDenied


def refuses(backend, **kwargs):
    raise AuthPolicyError(backend, "not you", code="membership_required", stage="pipeline")


def breaks(**kwargs):
    raise RuntimeError("a defect of the project")


def asks(**kwargs):
    return HttpResponse("your name, please")
