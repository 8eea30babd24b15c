"""Forms and views for a password reset that a project might write."""

from django import forms
from django.contrib.auth.forms import PasswordResetForm
from django.contrib.auth.models import User
from django.contrib.auth.views import PasswordResetConfirmView, PasswordResetView


class FindsByName(PasswordResetForm):
    """Finds the accounts in its own way."""

    def get_users(self, email):
        return (user for user in User.objects.filter(username=email.partition("@")[0]))


class SavesAlone(PasswordResetForm):
    """Leaves out what Django does to save."""

    def save(self, **options):
        pass


class Own(forms.Form):
    """Has nothing of Django's form but its interface."""

    email = forms.EmailField()

    def save(self, **options):
        pass


class TakesAnything(forms.Form):
    """Takes a name or an address."""

    email = forms.CharField()
    save = Own.save


class Breaks(PasswordResetForm):
    def send_mail(self, *args, **options):
        raise ConnectionError("no mail today")


class OwnView(PasswordResetView):
    """Uses the form that a test has chosen."""

    chosen = PasswordResetForm

    def get_form_class(self):
        return self.chosen


class Gone(PasswordResetConfirmView):
    """Says by the status, too, that a link is no good."""

    def render_to_response(self, context, **options):
        return super().render_to_response(context, status=200 if self.validlink else 410)
