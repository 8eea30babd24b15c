"""Views that only the tests of sources drive."""

from django import forms
from django.contrib.auth import alogout
from django.contrib.auth.decorators import login_required, user_passes_test
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.mixins import PermissionRequiredMixin
from django.core.exceptions import BadRequest, PermissionDenied, ValidationError
from django.http import HttpResponse, HttpResponseRedirect
from django.template import engines
from django.views import View
from django.views.decorators.csrf import csrf_exempt

from tests import views

acts = views.acts


@csrf_exempt
async def act_async(request, name):
    """Run the async function that a test has put into `acts`."""
    return await acts[name](request) or HttpResponse("done")


async def async_logout(request):
    await alogout(request)
    return HttpResponse("bye")


class CaptchaForm(AuthenticationForm):
    username = forms.CharField(max_length=30)
    answer = forms.CharField()

    def clean_answer(self):
        if self.cleaned_data["answer"] != "42":
            raise ValidationError("Are you human?", code="captcha")


class TellingForm(AuthenticationForm):
    """Says at the field what was wrong."""

    def get_invalid_login_error(self):
        return ValidationError({"password": ValidationError("Wrong.", code="wrong")})


@csrf_exempt
def telling_login(request):
    return HttpResponse("in" if TellingForm(request, data=request.POST).is_valid() else "out")


@csrf_exempt
def captcha_login(request):
    """Validate the form in a view that is no LoginView and shows no context."""
    form = CaptchaForm(request, data=request.POST, prefix="login")
    return HttpResponse("in" if form.is_valid() else "out")


@login_required(redirect_field_name="wanted")
def members_by_another_name(request):
    raise AssertionError


@user_passes_test(lambda user: False, login_url="/step-up/")
def step_up_required(request):
    raise AssertionError


def step_up(request):
    return HttpResponse("your code, please")


@user_passes_test(lambda user: False, login_url="/own-login/")
def own_login_required(request):
    raise AssertionError


@user_passes_test(lambda user: False, login_url="/not/in/the/urls/")
def nowhere_required(request):
    raise AssertionError


class Editors(PermissionRequiredMixin, View):
    permission_required = "auth.change_group"


def elsewhere(request):
    return HttpResponseRedirect("/login/?next=/another/page/")


def template_refuses(request):
    def refuse():
        raise PermissionDenied

    template = engines["django"].from_string("{{ refuse }}")
    return HttpResponse(template.render({"refuse": refuse}))


def redirects_oddly(request):
    return HttpResponseRedirect("javascript:alert(1)")


def malformed(request):
    raise BadRequest("typo")


def missing(request, exception=None):
    """Answer 404 for what was forbidden: as a handler, it hides that there is anything."""
    return HttpResponse("nothing here", status=404)


def broken(request, exception=None):
    raise RuntimeError("the error page is broken")


def csrf_failure(request, reason=""):
    return HttpResponseRedirect("/")
