"""Refused requests: one entry each, with the path, the view and what refused it."""

import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied

from django_authaudit.cleaning import MASK
from tests.sources.conftest import Browser
from tests.sources.recorded import WRONG, failure
from tests.views import acts

pytestmark = pytest.mark.urls("tests.sources.urls")


def forbidden(path, view="", method="GET", **facts):
    return refusal("authz.forbidden", path, view, method, **facts)


def refusal(event, path, view="", method="GET", **facts):
    if view:
        facts["view"] = view
    return failure(event, at=f"{method} {path}", **facts)


class TestForbidden:
    RAISED = [
        ("/forbidden/", "tests.views.forbidden"),
        ("/forbidden-async/", "tests.views.forbidden_async"),
        ("/editors-strict/", "tests.views.editors_strict"),
        ("/template-refuses/", "tests.sources.views.template_refuses"),
    ]

    @pytest.mark.parametrize(("path", "view"), RAISED)
    def test_by_an_exception(self, client, log, path, view):
        assert client.get(path).status_code == 403
        assert log.new() == [forbidden(path, view, exception="PermissionDenied")]

    @pytest.mark.parametrize(("path", "view"), RAISED)
    def test_by_an_exception_under_asgi(self, async_client, log, path, view):
        assert async_client.get(path).status_code == 403
        assert log.new() == [forbidden(path, view, exception="PermissionDenied")]

    @pytest.mark.parametrize(("path", "view"), RAISED)
    def test_to_a_signed_in_user_names_them(self, as_bob, bob, log, path, view):
        as_bob.get(path)

        assert log.new() == [
            forbidden(path, view, user=bob, actor=bob, exception="PermissionDenied")
        ]

    def test_to_a_signed_in_user_under_asgi_names_them(self, async_client, bob, log):
        async_client.force_login(bob)
        log.forget()
        async_client.get("/forbidden-async/")
        async_client.get("/forbidden-response/")

        assert [(row["event"], row["user"], row["actor"]) for row in log.new()] == [
            ("authz.forbidden", bob.pk, bob.pk)
        ] * 2

    def test_by_a_mixin(self, as_bob, bob, log):
        as_bob.get("/editors-mixin/")

        view = "tests.sources.views.Editors"
        assert log.new() == [
            forbidden("/editors-mixin/", view, user=bob, actor=bob, exception="PermissionDenied")
        ]

    def test_in_the_admin(self, secrets, as_bob, bob, log):
        bob.is_staff = True
        bob.save()
        log.forget()
        as_bob.get("/admin/auth/user/")

        [row] = log.new()
        view = row["metadata"].pop("view")
        assert view.startswith("django.contrib.")
        assert row == forbidden(
            "/admin/auth/user/", user=bob, actor=bob, exception="PermissionDenied"
        )

    def test_by_a_response(self, client, async_client, log):
        client.get("/forbidden-response/")
        async_client.get("/forbidden-response/")

        view = "tests.views.forbidden_response"
        assert log.new() == [forbidden("/forbidden-response/", view)] * 2

    def test_does_not_show_the_secrets_of_the_path(self, client, log, secrets):
        secrets.learn("a-key-to-share")
        client.get("/share/a-key-to-share/")
        client.get("/team/a-key-to-share/?token=a-key-to-share")

        assert [row["at"] for row in log.new()] == [f"GET /share/{MASK}/", f"GET /team/{MASK}/"]

    @pytest.mark.parametrize(
        ("name", "facts"), [("returning", {}), ("raising", {"exception": "PermissionDenied"})]
    )
    def test_by_middleware(self, client, async_client, log, settings, name, facts):
        settings.MIDDLEWARE = [*settings.MIDDLEWARE, f"tests.sources.middleware.{name}"]
        client.get("/")
        async_client.get("/")

        assert log.new() == [forbidden("/", **facts)] * 2

    def test_answered_by_middleware(self, client, log, settings):
        settings.MIDDLEWARE = [*settings.MIDDLEWARE, "tests.sources.middleware.answering"]
        client.get("/forbidden/")

        assert log.new() == [forbidden("/forbidden/", "tests.views.forbidden")]

    @pytest.mark.parametrize(("handler", "status"), [("missing", 404), ("broken", 500)])
    def test_is_recorded_whatever_a_handler_makes_of_it(
        self, client, async_client, log, settings, handler, status
    ):
        settings.ROOT_URLCONF = f"tests.sources.urls_{handler}"
        assert client.get("/forbidden/").status_code == status
        assert async_client.get("/forbidden/").status_code == status

        entry = forbidden("/forbidden/", "tests.views.forbidden", exception="PermissionDenied")
        assert log.new() == [entry] * 2

    def test_after_a_failed_login_is_only_that(self, client, bob, log):
        def view(request):
            authenticate(request, username="bob", password=WRONG)
            raise PermissionDenied

        acts["login"] = view
        client.get("/act/login/")

        assert [row["event"] for row in log.new()] == ["auth.login.failure"]

    def test_that_a_view_answers_itself_is_nothing(self, client, log):
        def view(request):
            try:
                raise PermissionDenied
            except PermissionDenied:
                return None

        acts["swallow"] = view
        client.get("/act/swallow/")

        assert log.new() == []


class TestOtherRefusals:
    @pytest.mark.parametrize(
        ("path", "view", "event"),
        [
            ("/unauthorized/", "tests.views.unauthorized", "authz.unauthenticated"),
            ("/too-many/", "tests.views.too_many", "authz.rate_limited"),
        ],
    )
    def test_by_a_status(self, client, async_client, log, path, view, event):
        client.get(path)
        async_client.get(path)

        assert log.new() == [refusal(event, path, view)] * 2

    def test_of_a_suspicious_operation(self, client, async_client, log):
        assert client.get("/suspicious/").status_code == 400
        assert async_client.get("/suspicious/").status_code == 400

        entry = refusal(
            "security.suspicious_request",
            "/suspicious/",
            "tests.views.suspicious",
            exception="SuspiciousOperation",
        )
        assert log.new() == [entry] * 2

    def test_of_a_redirect_to_a_script(self, client, log):
        client.get("/redirects-oddly/")

        view = "tests.sources.views.redirects_oddly"
        assert log.new() == [
            refusal(
                "security.suspicious_request",
                "/redirects-oddly/",
                view,
                exception="DisallowedRedirect",
            )
        ]

    def test_of_too_many_fields(self, client, log, settings):
        settings.DATA_UPLOAD_MAX_NUMBER_FIELDS = 3
        client.post("/login/", dict.fromkeys("abcd", "x"))

        assert [(row["event"], row["metadata"]["exception"]) for row in log.new()] == [
            ("security.suspicious_request", "TooManyFieldsSent")
        ]

    def test_of_an_unknown_host(self, client, async_client, log):
        assert client.get("/", headers={"host": "evil.example"}).status_code == 400
        assert async_client.get("/", headers={"host": "evil.example"}).status_code == 400

        entry = refusal("security.suspicious_request", "/", exception="DisallowedHost")
        assert log.new() == [entry] * 2

    @pytest.mark.parametrize("path", ["/bad-request/", "/malformed/", "/no-such-page/"])
    def test_that_are_mere_mistakes_are_nothing(self, client, async_client, log, path):
        assert client.get(path).status_code in (400, 404)
        async_client.get(path)

        assert log.new() == []


class TestCsrf:
    @pytest.fixture
    def strict(self, secrets):
        return Browser(secrets, enforce_csrf_checks=True)

    def rejected(self, reason, path="/form/", view="tests.views.form", **facts):
        return refusal("authz.csrf_rejected", path, view, "POST", reason=reason, **facts)

    def test_rejection_says_why(self, strict, bob, log, secrets):
        strict.post("/form/")
        strict.get("/login/")
        token = strict.cookies["csrftoken"].value
        strict.post("/form/", {"csrfmiddlewaretoken": "f" * 32})
        strict.post("/form/", {"csrfmiddlewaretoken": token}, headers={"origin": "https://evil"})
        strict.post("/form/", {"csrfmiddlewaretoken": token})

        assert log.new() == [
            self.rejected("CSRF cookie not set."),
            self.rejected("CSRF token from POST incorrect."),
            self.rejected(
                "Origin checking failed - https://evil does not match any trusted origins."
            ),
        ]

    def test_rejection_of_a_signed_in_user_names_them(self, strict, bob, log):
        strict.force_login(bob)
        log.forget()
        strict.post("/form/")

        assert log.new() == [self.rejected("CSRF cookie not set.", user=bob, actor=bob)]

    @pytest.mark.parametrize(
        "referer",
        [
            "https://elsewhere.example/reset/MQ/the-secret?code=the-secret#the-secret",
            "https://the-secret:the-secret@elsewhere.example/a the-secret\tthe-secret",
        ],
    )
    def test_names_the_origin_alone_of_the_page_that_it_came_from(
        self, strict, log, secrets, referer
    ):
        secrets.learn("the-secret")
        strict.get("/form/", secure=True)
        strict.post("/form/", secure=True, headers={"referer": referer})

        origin = "https://elsewhere.example"
        reason = f"Referer checking failed - {origin} does not match any trusted origins."
        assert log.new() == [self.rejected(reason)]

    def test_rejection_of_a_login_is_no_failed_login(self, strict, bob, log):
        strict.post("/login/", {"username": "bob", "password": WRONG})

        view = "django.contrib.auth.views.LoginView"
        assert log.new() == [self.rejected("CSRF cookie not set.", "/login/", view)]

    def test_rejection_under_asgi(self, async_client, log):
        async_client.client.handler.enforce_csrf_checks = True
        async_client.post("/form/")

        assert log.new() == [self.rejected("CSRF cookie not set.")]

    def test_rejection_is_recorded_whatever_a_view_makes_of_it(self, strict, log, settings):
        settings.CSRF_FAILURE_VIEW = "tests.sources.views.csrf_failure"
        assert strict.post("/form/").status_code == 302

        assert log.new() == [self.rejected("CSRF cookie not set.")]


class TestRedirectToTheLogin:
    def sent_away(self, bob, path, view):
        return forbidden(path, view, user=bob, actor=bob, via="redirect")

    CASES = [
        ("/editors/", "tests.views.editors"),
        ("/own-login-required/", "tests.sources.views.own_login_required"),
    ]

    @pytest.mark.parametrize(("path", "view"), CASES)
    def test_of_a_signed_in_user_is_a_refusal(self, as_bob, bob, log, path, view):
        assert as_bob.get(path).status_code == 302
        assert log.new() == [self.sent_away(bob, path, view)]

    @pytest.mark.parametrize(("path", "view"), CASES)
    def test_under_asgi_is_a_refusal(self, async_client, bob, log, path, view):
        async_client.force_login(bob)
        log.forget()
        async_client.get(path)

        assert log.new() == [self.sent_away(bob, path, view)]

    def test_with_a_query_is_a_refusal(self, as_bob, bob, log):
        as_bob.get("/editors/?page=2&next=/x/")

        assert log.new() == [self.sent_away(bob, "/editors/", "tests.views.editors")]

    @pytest.mark.parametrize(
        "login", ["login", "/login/", "https://sso.example.org/sign-in/", "/not/in/the/urls/"]
    )
    def test_wherever_the_login_is_is_a_refusal(self, as_bob, bob, log, settings, login):
        settings.LOGIN_URL = login
        as_bob.get("/editors/")

        assert log.new() == [self.sent_away(bob, "/editors/", "tests.views.editors")]

    def test_of_the_admin_is_a_refusal(self, as_bob, bob, log):
        as_bob.get("/admin/auth/user/")

        [row] = log.new()
        view = row["metadata"].pop("view")
        assert row == self.sent_away(bob, "/admin/auth/user/", "")
        assert view.startswith("django.contrib.")

    @pytest.mark.parametrize(
        "path", ["/editors/", "/members/", "/own-login-required/", "/admin/", "/editors-mixin/"]
    )
    def test_of_a_visitor_is_nothing(self, client, async_client, log, path):
        assert client.get(path).status_code == 302
        async_client.get(path)

        assert log.new() == []

    def test_of_a_visitor_by_middleware_is_nothing(self, client, log, settings):
        settings.MIDDLEWARE = [
            *settings.MIDDLEWARE,
            "django.contrib.auth.middleware.LoginRequiredMiddleware",
        ]
        assert client.get("/").status_code == 302
        assert log.new() == []

    def test_for_another_failure_is_that_failure_alone(self, as_bob, bob, log):
        def view(request):
            authenticate(request, username="bob", password=WRONG)
            return redirect_to_login(request.get_full_path())

        acts["confirm"] = view
        as_bob.post("/act/confirm/")

        assert [row["event"] for row in log.new()] == ["auth.login.failure"]

    def test_of_a_request_to_another_host_is_looked_at_like_any(self, as_bob, log, settings):
        settings.MIDDLEWARE = [
            path for path in settings.MIDDLEWARE if not path.endswith("CommonMiddleware")
        ]
        acts["away"] = lambda request: redirect_to_login("/elsewhere/")
        as_bob.get("/act/away/", headers={"host": "evil.example"})

        assert log.new() == []

    @pytest.mark.parametrize("path", ["/step-up-required/", "/elsewhere/", "/nowhere-required/"])
    def test_that_leads_elsewhere_is_nothing(self, as_bob, log, path):
        assert as_bob.get(path).status_code == 302
        assert log.new() == []

    @pytest.mark.parametrize("setting", ["", "no-such-name"])
    def test_without_a_login_page_is_nothing(self, as_bob, log, settings, setting):
        settings.LOGIN_URL = setting
        as_bob.get("/step-up-required/")

        assert log.new() == []
