"""Lockouts by django-axes: once when it locks, once when it unlocks, and every failure once."""

from datetime import timedelta

import pytest
from axes.handlers.proxy import AxesProxyHandler
from axes.models import AccessAttempt
from axes.signals import user_locked_out
from axes.utils import reset
from django.contrib.auth import authenticate, signals
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.core.management import call_command
from django.db.models import F

from django_authaudit.cleaning import MASK
from tests.sources.recorded import MODEL_BACKEND, PASSWORD, WRONG, failure, success

AXES = "axes.backends.AxesStandaloneBackend"
AT = "POST /login/"
BY_ADDRESS, BY_NAME, BY_BOTH = ["ip_address"], ["username"], [["username", "ip_address"]]


def attempt(client, name="bob", password=WRONG, address=""):
    facts = {"username": name, "password": password}
    peer = {"REMOTE_ADDR": address} if address else {}
    return client.post("/login/", facts, **peer)


def wrong(user, ip="127.0.0.1", **facts):
    return failure("auth.login.failure", user=user, at=AT, ip=ip, reason="invalid_password")


def unknown(name):
    return failure("auth.login.failure", username=name, at=AT, reason="unknown_user")


def refused(user=None, **facts):
    facts = {"at": AT, "reason": "locked", "backend": AXES, **facts}
    return failure("auth.login.failure", user=user, **facts)


def locked(user=None, ip="127.0.0.1", **facts):
    return failure("auth.account_locked", user=user, at=AT, ip=ip, via="axes", **facts)


def unlocked(user, *parameters, **facts):
    facts = {"via": "axes", "parameters": list(parameters), **facts}
    return success("auth.account_unlocked", user=user, **facts)


@pytest.fixture
def locked_out(client, bob, log):
    for _ in range(3):
        attempt(client)
    log.forget()
    return bob


@pytest.fixture
def handled_by(settings):
    """Return a function that chooses where axes keeps its attempts; it remembers its choice."""

    def choose(name):
        settings.AXES_HANDLER = f"axes.handlers.{name}"
        AxesProxyHandler.get_implementation(force=True)

    yield choose
    choose("database.AxesDatabaseHandler")
    cache.clear()


class TestLock:
    @pytest.mark.parametrize("parameters", [BY_ADDRESS, BY_NAME, BY_BOTH, BY_NAME + BY_ADDRESS])
    def test_is_one_entry_where_attempts_are_kept_in_the_cache(
        self, client, bob, log, settings, handled_by, parameters
    ):
        settings.AXES_LOCKOUT_PARAMETERS = parameters
        handled_by("cache.AxesCacheHandler")
        answers = [attempt(client).status_code for _ in range(5)]
        answers.append(attempt(client, password=PASSWORD).status_code)

        assert not AccessAttempt.objects.exists()
        assert answers == [200, 200, 429, 429, 429, 429]
        assert log.new() == [wrong(bob)] * 3 + [locked(bob)] + [refused(bob)] * 3

    @pytest.mark.parametrize("name", ["dummy.AxesDummyHandler", "test.AxesTestHandler"])
    def test_is_nothing_where_axes_keeps_no_attempts(self, client, bob, log, handled_by, name):
        handled_by(name)
        for _ in range(5):
            attempt(client)

        assert log.new() == [wrong(bob)] * 5

    @pytest.mark.parametrize("parameters", [BY_ADDRESS, BY_NAME, BY_BOTH, BY_NAME + BY_ADDRESS])
    def test_is_one_entry_however_often_it_is_tried(self, client, bob, log, settings, parameters):
        settings.AXES_LOCKOUT_PARAMETERS = parameters
        answers = [attempt(client).status_code for _ in range(5)]
        answers.append(attempt(client, password=PASSWORD).status_code)

        assert answers == [200, 200, 429, 429, 429, 429]
        assert log.new() == [wrong(bob)] * 3 + [locked(bob)] + [refused(bob)] * 3

    def test_is_one_entry_where_attempts_while_locked_do_not_count(
        self, client, bob, log, settings
    ):
        settings.AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
        for _ in range(5):
            attempt(client)

        assert log.new() == [wrong(bob)] * 3 + [locked(bob)] + [refused(bob)] * 2

    def test_under_asgi_is_one_entry(self, async_client, bob, log):
        for _ in range(5):
            attempt(async_client)

        assert log.new() == [wrong(bob)] * 3 + [locked(bob)] + [refused(bob)] * 2

    def test_by_address_holds_for_every_name(self, client, bob, alice, log, settings):
        settings.AXES_LOCKOUT_PARAMETERS = BY_ADDRESS
        attempt(client, "alice")
        attempt(client, "nobody")
        attempt(client)
        attempt(client, "alice", PASSWORD)

        assert log.new() == [
            wrong(alice),
            unknown("nobody"),
            wrong(bob),
            locked(bob),
            refused(alice),
        ]

    def test_by_name_holds_for_every_address(self, client, bob, log, settings):
        settings.AXES_LOCKOUT_PARAMETERS = BY_NAME
        for number in range(1, 4):
            attempt(client, address=f"192.0.2.{number}")
        attempt(client, address="192.0.2.4")

        assert log.new() == [
            wrong(bob, "192.0.2.1"),
            wrong(bob, "192.0.2.2"),
            wrong(bob, "192.0.2.3"),
            locked(bob, "192.0.2.3"),
            refused(bob, ip="192.0.2.4"),
        ]

    def test_by_both_leaves_another_address_alone(self, client, locked_out, log, settings):
        settings.AXES_LOCKOUT_PARAMETERS = BY_BOTH
        attempt(client, address="192.0.2.4")

        assert log.new() == [wrong(locked_out, "192.0.2.4")]

    def test_of_an_unknown_name_names_what_was_typed(self, client, log):
        for _ in range(4):
            attempt(client, "nobody")

        assert log.new() == [
            *[unknown("nobody")] * 3,
            locked(username="nobody"),
            refused(username="nobody"),
        ]

    def test_of_what_may_be_a_password_masks_it(self, client, log, secrets, settings):
        settings.AXES_LOCKOUT_PARAMETERS = BY_NAME + BY_ADDRESS
        secrets.learn("hunter2 is my password!")
        for _ in range(4):
            attempt(client, "hunter2 is my password!")
        reset()

        rows = log.new()
        assert {row["username"] for row in rows} == {MASK}
        assert len({row["metadata"]["username_hash"] for row in rows}) == 1
        assert [row["event"] for row in rows[-3:]] == [
            "auth.account_locked",
            "auth.login.failure",
            "auth.account_unlocked",
        ]
        assert rows[-1]["metadata"]["parameters"] == [
            {"username": MASK},
            {"ip_address": "127.0.0.1"},
        ]

    def test_of_a_signed_in_user_who_tries_another_account_names_both(
        self, as_bob, bob, alice, log
    ):
        for _ in range(3):
            attempt(as_bob, "alice")

        assert [(row["event"], row["user"], row["actor"]) for row in log.new()] == [
            *[("auth.login.failure", alice.pk, bob.pk)] * 3,
            ("auth.account_locked", alice.pk, bob.pk),
        ]

    def test_keeps_the_failure_where_a_receiver_of_the_project_raises(self, client, bob, log):
        """The recipe that axes' documentation gives for Django REST framework."""

        def raise_permission_denied(*args, **kwargs):
            raise PermissionDenied("Too many failed login attempts")

        user_locked_out.connect(raise_permission_denied)
        try:
            answers = [attempt(client).status_code for _ in range(5)]
        finally:
            user_locked_out.disconnect(raise_permission_denied)

        assert answers == [200, 200, 429, 429, 429]
        assert log.new() == [wrong(bob)] * 3 + [locked(bob)] + [refused(bob)] * 2

    def test_keeps_apart_what_another_package_sends_afterwards(self, client, bob, log):
        def raise_permission_denied(*args, **kwargs):
            raise PermissionDenied("Too many failed login attempts")

        user_locked_out.connect(raise_permission_denied)
        try:
            for _ in range(4):
                attempt(client)
        finally:
            user_locked_out.disconnect(raise_permission_denied)
        log.forget()
        signals.user_login_failed.send(sender="project", credentials={"username": "bob"})

        assert [row["metadata"] for row in log.new()] == [{"reason": "invalid_password"}]

    def test_by_a_failure_that_another_package_sends_is_no_second_failure(self, rf, bob, log):
        for _ in range(3):
            signals.user_login_failed.send(
                sender="project",
                credentials={"username": "bob"},
                request=rf.post("/login/"),
            )

        assert log.new() == [wrong(bob)] * 3 + [locked(bob)]

    def test_sent_after_the_failure_is_no_second_failure(self, rf, bob, log):
        request = rf.post("/login/")
        authenticate(request, username="bob", password=WRONG)
        user_locked_out.send("project", request=request, username="bob", ip_address="::1")

        assert log.new() == [wrong(bob), locked(bob)]

    def test_sent_by_another_package_is_a_lock_and_a_failure(self, rf, bob, log):
        request = rf.post("/login/")
        user_locked_out.send("project", request=request, username="bob", ip_address="::1")

        assert log.new() == [wrong(bob), locked(bob)]


class TestUnlock:
    ADDRESS = {"ip_address": "127.0.0.1"}
    NAME = {"username": "bob"}

    @pytest.mark.parametrize(
        ("parameters", "opened"),
        [
            (BY_ADDRESS, [ADDRESS]),
            (BY_NAME, [NAME]),
            (BY_BOTH, [NAME | ADDRESS]),
            (BY_NAME + BY_ADDRESS, [NAME, ADDRESS]),
            (lambda request, credentials: BY_NAME, [NAME]),
            ("tests.sources.test_axes.by_name", [NAME]),
        ],
    )
    def test_by_a_reset_is_one_entry(self, locked_out, log, settings, parameters, opened):
        settings.AXES_LOCKOUT_PARAMETERS = parameters
        reset()

        assert log.new() == [unlocked(locked_out, *opened)]

    def test_by_a_command_names_the_command(self, locked_out, log):
        call_command("axes_reset", verbosity=0)

        assert log.new() == [unlocked(locked_out, self.ADDRESS, command="axes_reset")]

    @pytest.mark.parametrize("action", [False, True])
    def test_in_the_admin_is_by_the_admin(self, as_root, root, locked_out, log, action):
        pk = AccessAttempt.objects.get().pk
        path = (
            "/admin/axes/accessattempt/" if action else f"/admin/axes/accessattempt/{pk}/delete/"
        )
        chosen = {"_selected_action": [pk], "action": "delete_selected"} if action else {}
        as_root.post(path, {**chosen, "post": "yes"})

        assert not AccessAttempt.objects.exists()
        facts = {"actor": root, "at": f"POST {path}"}
        assert log.new() == [unlocked(locked_out, self.ADDRESS, **facts)]

    def test_by_the_time_is_one_entry_at_the_next_attempt(self, client, locked_out, log, settings):
        settings.AXES_COOLOFF_TIME = timedelta(hours=1)
        AccessAttempt.objects.update(attempt_time=F("attempt_time") - timedelta(hours=2))
        attempt(client)

        assert log.new() == [wrong(locked_out), unlocked(locked_out, self.ADDRESS, at=AT)]

    def test_of_several_attempts_is_one_entry(self, client, bob, alice, log):
        for name in ("bob", "alice", "nobody"):
            attempt(client, name)
        log.forget()
        assert reset() == 3

        [row] = log.new()
        assert row["metadata"] == {"via": "axes", "parameters": [self.ADDRESS]}

    def test_of_two_addresses_is_two_entries(self, client, bob, log):
        for number in (1, 2):
            for _ in range(3):
                attempt(client, address=f"192.0.2.{number}")
        log.forget()
        reset()

        assert sorted(log.new(), key=str) == [
            unlocked(bob, {"ip_address": "192.0.2.1"}),
            unlocked(bob, {"ip_address": "192.0.2.2"}),
        ]

    def test_by_fewer_attempts_than_the_lock_is_made_of_is_nothing(
        self, client, locked_out, alice, log
    ):
        attempt(client, "alice")
        log.forget()
        reset(username="alice")

        assert log.new() == []

    def test_before_the_limit_is_nothing(self, client, bob, log):
        attempt(client)
        attempt(client)
        log.forget()
        reset()

        assert log.new() == []

    def test_of_what_is_not_locked_is_nothing(self, log):
        assert reset() == 0
        assert log.new() == []

    def test_by_a_success_is_only_the_login(self, client, bob, log, settings):
        settings.AXES_RESET_ON_SUCCESS = True
        attempt(client)
        attempt(client)
        attempt(client, password=PASSWORD)

        assert not AccessAttempt.objects.exists()
        entry = success("auth.login.success", user=bob, actor=bob, at=AT, backend=MODEL_BACKEND)
        assert log.new() == [wrong(bob), wrong(bob), entry]


def by_name(request, credentials):
    return BY_NAME
