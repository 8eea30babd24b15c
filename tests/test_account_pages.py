"""The pages for the owner of an account."""

import re
import sys
from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session
from django.core import mail
from django.db import connections, router
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from django_authaudit import context, record
from django_authaudit.activity import PAGE
from django_authaudit.devices import describe
from django_authaudit.models import AuditLog

pytestmark = pytest.mark.django_db

PAGES = "/security/"
PASSWORD = "correct horse"
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:130.0) Gecko/20100101 Firefox/130.0"
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/17.0 Mobile/15E148 Safari/604.1"
)


@pytest.fixture
def anna():
    return get_user_model().objects.create_user("anna", "anna@example.com", PASSWORD)


def sign_in(username="anna", **headers):
    browser = Client(headers={"User-Agent": FIREFOX, **headers})
    browser.post("/login/", {"username": username, "password": PASSWORD})
    assert is_signed_in(browser)
    return browser


def is_signed_in(browser):
    return browser.get("/members/").status_code == 200


def ref_of(browser):
    return context.session_ref(browser.session.session_key)


def latest(event):
    return AuditLog.objects.of_event(event).latest("id")


def text_of(response):
    text = re.sub(r"<[^>]+>", " ", response.content.decode())
    return re.sub(r"\s+", " ", text)


class TestRecentActivity:
    def test_shows_what_happened_to_the_account_newest_first(self, anna):
        Client().post("/login/", {"username": "anna", "password": "wrong"})
        browser = sign_in()
        anna.email = "new@example.com"
        anna.save()

        text = text_of(browser.get(PAGES))

        happened = ["E-mail address changed", "Signed in", "Sign-in failed", "Account created"]
        assert [text.index(label) for label in happened] == sorted(map(text.index, happened))
        assert "wrong password" in text
        assert "Firefox on Windows" in text
        assert "127.0.0.1" in text

    def test_marks_the_session_that_looks(self, anna):
        sign_in()
        browser = sign_in()

        response = browser.get(PAGES)

        own = [row for row in response.context["rows"] if row["is_own_session"]]
        assert [row["entry"].session_ref for row in own] == [ref_of(browser)]
        assert text_of(response).count(" this session ") == 2  # beside "End this session"

    def test_shows_nothing_about_anybody_else(self, anna):
        get_user_model().objects.create_user("bob", "bob@example.com", PASSWORD)
        sign_in("bob")
        record("account.renamed", user=get_user_model().objects.get(username="bob"), actor=anna)

        rows = sign_in().get(PAGES).context["rows"]

        assert {row["entry"].user_id for row in rows} == {anna.pk}

    def test_leaves_out_what_is_not_about_the_account(self, anna):
        browser = sign_in()
        browser.get("/forbidden/")
        assert latest("authz.forbidden").user_id == anna.pk

        rows = browser.get(PAGES).context["rows"]

        assert {row["entry"].event for row in rows} == {"account.created", "auth.login.success"}

    def test_says_when_it_was_somebody_else(self, anna):
        boss = get_user_model().objects.create_user("boss", password=PASSWORD)
        record("auth.mfa.removed", user=anna, actor=boss)

        response = sign_in().get(PAGES)

        (row,) = [r for r in response.context["rows"] if r["entry"].event == "auth.mfa.removed"]
        assert row["by_another"]
        assert "by somebody else" in text_of(response)
        assert "boss" not in text_of(response)

    def test_does_not_say_where_somebody_else_was(self, anna):
        """The address and the browser of who helps at the desk are theirs."""
        boss = get_user_model().objects.create_superuser("boss", password=PASSWORD)
        desk = Client(REMOTE_ADDR="192.0.2.7", headers={"User-Agent": "Desk/1.0"})
        desk.force_login(boss)
        new = {"password1": "another staple", "password2": "another staple"}
        desk.post(f"/admin/auth/user/{anna.pk}/password/", {**new, "usable_password": "true"})
        entry = latest("auth.password.changed")
        assert (entry.user_id, entry.ip_address) == (anna.pk, "192.0.2.7")
        browser = Client()
        browser.force_login(get_user_model().objects.get(pk=anna.pk))

        for page in (PAGES, f"{PAGES}not-me/{entry.pk}/"):
            text = text_of(browser.get(page))
            assert "by somebody else" in text
            assert "192.0.2.7" not in text
            assert "Desk" not in text

    def test_goes_on_to_what_is_older(self, anna):
        for number in range(PAGE + 5):
            record("auth.mfa.challenge.success", user=anna, metadata={"number": number})
        browser = sign_in()

        first = browser.get(PAGES)
        (link,) = re.findall(r'href="(\?before=[^"]+)"', first.content.decode())
        second = browser.get(PAGES + link)

        shown = [row["entry"].pk for page in (first, second) for row in page.context["rows"]]
        assert shown == list(AuditLog.objects.order_by("-id").values_list("pk", flat=True))
        assert second.context["older"] is None

    @pytest.mark.parametrize("before", ["", "nonsense", "%00"])
    def test_takes_nonsense_for_the_first_page(self, anna, before):
        response = sign_in().get(f"{PAGES}?before={before}")
        assert response.status_code == 200
        assert len(response.context["rows"]) == 2

    def test_asks_whoever_is_not_signed_in_to_sign_in(self):
        response = Client().get(PAGES)
        assert response.url == f"/login/?next={PAGES}"
        assert not AuditLog.objects.exists()

    def test_asks_the_log_twice_whatever_the_account_has_seen(
        self, anna, django_assert_num_queries
    ):
        for _ in range(3):
            browser = sign_in()
        with django_assert_num_queries(4):  # the session, the user, the page, the ends
            browser.get(PAGES)

    def test_reads_nothing_older_than_what_it_shows(self, anna):
        browser = sign_in()
        began = latest("auth.login.success")
        with CaptureQueriesContext(connections[router.db_for_read(AuditLog)]) as captured:
            browser.get(PAGES)

        *_, ends = [q["sql"] for q in captured if AuditLog._meta.db_table in q["sql"]]

        assert re.search(rf"\bid\W+>.*{began.pk.hex[-12:]}", ends)

    def test_is_kept_in_no_cache(self, anna):
        assert "no-store" in sign_in().get(PAGES)["Cache-Control"]

    def test_shows_a_hostile_user_agent_as_text(self, anna):
        browser = sign_in(**{"User-Agent": "<script>alert(1)</script>"})
        content = browser.get(PAGES).content.decode()
        assert "<script>" not in content
        assert "&lt;script&gt;" in content

    def test_speaks_the_language_of_the_reader(self, anna, settings):
        settings.LANGUAGE_CODE = "de"
        assert "Letzte Aktivität in Ihrem Konto" in text_of(sign_in().get(PAGES))


class TestEndingSessions:
    def test_one_session_is_ended_and_the_others_go_on(self, anna):
        stolen, other, browser = sign_in(), sign_in(), sign_in()
        page = browser.get(PAGES).content.decode()
        assert page.count("End this session") == 2

        browser.post(f"{PAGES}sessions/end/", {"session": ref_of(stolen)})

        assert not is_signed_in(stolen)
        assert is_signed_in(other)
        assert is_signed_in(browser)

    def test_it_is_recorded_and_offered_no_more(self, anna):
        stolen, browser = sign_in(), sign_in()
        ref = ref_of(stolen)

        response = browser.post(f"{PAGES}sessions/end/", {"session": ref}, follow=True)

        entry = latest("auth.session.revoked")
        assert (entry.user_id, entry.actor_id) == (anna.pk, anna.pk)
        assert entry.metadata == {"via": "activity", "session_ref": ref}
        assert "1 session has been ended." in text_of(response)
        assert "End this session" not in text_of(response)

    def test_a_session_that_was_left_is_not_offered(self, anna):
        left, browser = sign_in(), sign_in()
        left.post("/logout/")
        assert "End this session" not in text_of(browser.get(PAGES))

    def test_all_others_are_ended_and_ones_own_goes_on(self, anna):
        others, browser = [sign_in() for _ in range(3)], sign_in()

        response = browser.post(f"{PAGES}sessions/end-others/", follow=True)

        assert not any(is_signed_in(other) for other in others)
        assert is_signed_in(browser)
        assert AuditLog.objects.of_event("auth.session.revoked").count() == 3
        assert "3 sessions have been ended." in text_of(response)

    def test_nobody_elses_is_ended(self, anna):
        get_user_model().objects.create_user("bob", password=PASSWORD)
        bob, browser = sign_in("bob"), sign_in()

        browser.post(f"{PAGES}sessions/end/", {"session": ref_of(bob)})
        response = browser.post(f"{PAGES}sessions/end-others/", follow=True)

        assert is_signed_in(bob)
        assert "No other session was open." in text_of(response)
        assert not AuditLog.objects.of_event("auth.session.revoked").exists()

    def test_those_that_have_expired_are_let_be(self, anna):
        expired, browser = sign_in(), sign_in()
        Session.objects.filter(pk=expired.session.session_key).update(
            expire_date=timezone.now() - timedelta(days=1)
        )
        browser.post(f"{PAGES}sessions/end-others/")
        assert not AuditLog.objects.of_event("auth.session.revoked").exists()

    def test_all_are_found_among_many(self, anna, monkeypatch):
        monkeypatch.setattr("django_authaudit.sessions._CHUNK", 2)
        others, browser = [sign_in() for _ in range(5)], sign_in()
        browser.post(f"{PAGES}sessions/end-others/")
        assert not any(is_signed_in(other) for other in others)

    def test_those_in_a_cache_besides_leave_it_too(self, anna, settings):
        settings.SESSION_ENGINE = "django.contrib.sessions.backends.cached_db"
        stolen, browser = sign_in(), sign_in()
        browser.post(f"{PAGES}sessions/end-others/")
        assert not is_signed_in(stolen)
        assert is_signed_in(browser)

    def test_an_engine_without_rows_says_so(self, anna, settings):
        settings.SESSION_ENGINE = "django.contrib.sessions.backends.cache"
        other, browser = sign_in(), sign_in()

        text = text_of(browser.get(PAGES))
        browser.post(f"{PAGES}sessions/end/", {"session": ref_of(other)})
        browser.post(f"{PAGES}sessions/end-others/")

        assert "This site cannot end single sessions." in text
        assert "End this session" not in text
        assert is_signed_in(other)

    def test_no_reference_ends_nothing(self, anna):
        other, browser = sign_in(), sign_in()
        browser.post(f"{PAGES}sessions/end/")
        assert is_signed_in(other)

    @pytest.mark.parametrize("page", ["end", "end-others"])
    def test_a_link_ends_nothing(self, anna, page):
        assert sign_in().get(f"{PAGES}sessions/{page}/").status_code == 405

    def test_the_page_answers_to_head_as_any_page_does(self, anna):
        assert sign_in().head(PAGES).status_code == 200

    @pytest.mark.parametrize("page", ["sessions/end/", "sessions/end-others/", "not-me/{}/"])
    def test_a_request_from_elsewhere_ends_nothing_whatever_the_middleware(
        self, anna, settings, page
    ):
        """Django's own views of accounts are protected in the same way."""
        settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if "csrf" not in name.lower()]
        browser = Client(enforce_csrf_checks=True)
        browser.force_login(anna)
        url = PAGES + page.format(latest("auth.login.success").pk)
        assert browser.post(url).status_code == 403
        assert is_signed_in(browser)

    def test_a_request_from_elsewhere_ends_nothing(self, anna):
        browser = Client(enforce_csrf_checks=True)
        browser.force_login(anna)
        assert browser.post(f"{PAGES}sessions/end-others/").status_code == 403


class TestDisputing:
    def dispute(self, browser, event="auth.login.success"):
        return f"{PAGES}not-me/{latest(event).pk}/"

    def test_everything_ends_and_the_password_is_gone(self, anna):
        thief, browser = sign_in(), sign_in()
        page = self.dispute(browser)
        assert "you are signed out here and everywhere else" in text_of(browser.get(page))

        response = browser.post(page, follow=True)

        assert "You are signed out everywhere" in text_of(response)
        assert not is_signed_in(thief)
        assert not is_signed_in(browser)
        assert not Client().login(username="anna", password=PASSWORD)

    def test_a_link_by_email_brings_a_new_password(self, anna):
        browser = sign_in()
        response = browser.post(self.dispute(browser), follow=True)
        (reset,) = re.findall(r'href="(/password/[^"]+)"', response.content.decode())

        browser.post(reset, {"email": anna.email})

        (message,) = mail.outbox
        (link,) = re.findall(r"https?://[^/]+(/\S+)", message.body)
        form = browser.get(link, follow=True)
        new = {"new_password1": "another staple", "new_password2": "another staple"}
        browser.post(form.redirect_chain[-1][0], new)
        assert Client().login(username="anna", password="another staple")

    def test_it_is_recorded(self, anna):
        thief, browser = sign_in(), sign_in()
        disputed = latest("auth.login.success")
        ref = ref_of(thief)

        browser.post(self.dispute(browser))

        entry = latest("account.activity_disputed")
        assert (entry.user_id, entry.actor_id, entry.outcome) == (anna.pk, anna.pk, "success")
        assert entry.metadata == {
            "entry": str(disputed.pk),
            "event": "auth.login.success",
            "sessions": 1,
            "password_taken": True,
        }
        assert latest("auth.session.revoked").metadata["session_ref"] == ref
        assert latest("auth.password.changed").user_id == anna.pk
        assert latest("auth.logout").user_id == anna.pk

    def test_where_no_email_brings_it_back_the_password_stays(self, anna):
        anna.email = ""
        anna.save()
        thief, browser = sign_in(), sign_in()
        page = self.dispute(browser)
        assert "your password stays" in text_of(browser.get(page))

        response = browser.post(page, follow=True)

        assert "1 session has been ended." in text_of(response)
        assert not is_signed_in(thief)
        assert is_signed_in(browser)
        assert Client().login(username="anna", password=PASSWORD)
        assert latest("account.activity_disputed").metadata["password_taken"] is False

    @pytest.mark.parametrize("disputed", ["account.email_changed", "auth.login.success"])
    def test_where_the_address_has_just_been_changed_the_password_stays(self, anna, disputed):
        """It may be the thief's: the link would bring them the account."""
        thief = sign_in()
        anna.email = "thief@example.com"
        anna.save()
        browser = sign_in()
        page = self.dispute(browser, disputed)
        assert "your password stays" in text_of(browser.get(page))

        browser.post(page)

        assert not is_signed_in(thief)
        assert is_signed_in(browser)
        assert Client().login(username="anna", password=PASSWORD)

    def test_an_address_that_was_changed_long_ago_is_the_owners(self, anna, monkeypatch):
        anna.email = "anna@example.org"
        anna.save()
        monkeypatch.setattr("django_authaudit.activity._ADDRESS_SETTLES", timedelta(0))
        browser = sign_in()
        browser.post(self.dispute(browser))
        assert not Client().login(username="anna", password=PASSWORD)

    def test_where_no_page_brings_it_back_the_password_stays(self, anna, settings):
        settings.ROOT_URLCONF = "tests.urls_account_alone"
        browser = Client()
        browser.force_login(anna)
        record("auth.mfa.removed", user=anna)

        browser.post(self.dispute(browser, "auth.mfa.removed"))

        anna.refresh_from_db()
        assert anna.check_password(PASSWORD)
        assert "Choose a new password" not in text_of(browser.get(f"{PAGES}not-me/done/"))

    def test_the_entries_of_others_are_none_of_ones_business(self, anna):
        bob = get_user_model().objects.create_user("bob", password=PASSWORD)
        record("auth.mfa.removed", user=bob, actor=anna)
        browser = sign_in()
        assert browser.get(self.dispute(browser, "auth.mfa.removed")).status_code == 404
        assert browser.post(self.dispute(browser, "auth.mfa.removed")).status_code == 404


class TestImpersonators:
    @pytest.mark.parametrize("page", ["sessions/end/", "sessions/end-others/", "not-me/{pk}/"])
    def test_may_not_speak_for_the_owner(self, anna, page, monkeypatch):
        boss = get_user_model().objects.create_user("boss", password=PASSWORD)
        monkeypatch.setitem(context.real_people, "tests", lambda request: (boss.pk, anna.pk))
        browser = sign_in()

        response = browser.post(PAGES + page.format(pk=latest("auth.login.success").pk))

        assert response.status_code == 403
        anna.refresh_from_db()
        assert anna.check_password(PASSWORD)


class TestDevices:
    @pytest.mark.parametrize(
        ("agent", "words"),
        [
            (FIREFOX, "Firefox on Windows"),
            (IPHONE, "Mobile Safari on iPhone"),
            ("curl/8.1.2", "curl"),
            ("Mozilla/5.0 (Windows NT 10.0)", "Windows"),
            ("who knows", "who knows"),
            ("x" * 500, "x" * 199 + "…"),
            ("", "unknown device"),
        ],
    )
    def test_are_named_in_words(self, agent, words):
        assert describe(agent) == words

    def test_are_named_by_their_header_without_the_library(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "ua_parser", None)
        monkeypatch.setattr("django_authaudit.devices.find_spec", lambda name: None)
        assert describe(FIREFOX) == FIREFOX
