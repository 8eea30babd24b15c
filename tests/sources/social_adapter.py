"""What a project makes of the errors of its providers."""

from allauth.socialaccount.adapter import DefaultSocialAccountAdapter


class Silent(DefaultSocialAccountAdapter):  # type: ignore[misc]  # has no types
    """Overrides what does nothing, and so has no reason to call it."""

    def on_authentication_error(self, request, provider, **kwargs):
        request.session["provider_failed"] = True
