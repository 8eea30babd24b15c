"""Lockouts by django-defender: once when it locks, once when it unlocks, each failure once."""

import os

import pytest
from defender import config, utils
from redis.exceptions import ConnectionError

from django_authaudit import sources
from django_authaudit.cleaning import MASK
from tests.sources.recorded import MODEL_BACKEND, PASSWORD, WRONG, failure, success


def has_redis():
    try:
        return utils.REDIS_SERVER.ping()
    except ConnectionError:
        return False


pytestmark = pytest.mark.skipif(
    not os.environ.get("AUTHAUDIT_ECOSYSTEM") and not has_redis(), reason="needs Redis"
)
AT, HERE = "POST /login/", "POST /act/test/"
ADDRESS = {"ip_address": "127.0.0.1"}
NAME = {"username": "bob"}


@pytest.fixture(autouse=True)
def redis():
    yield utils.REDIS_SERVER
    for key in utils.REDIS_SERVER.scan_iter(f"{config.CACHE_PREFIX}:*"):
        utils.REDIS_SERVER.delete(key)


def attempt(client, name="bob", password=WRONG, path="/login/", address="127.0.0.1"):
    facts = {"username": name, "password": password}
    return client.post(path, facts, REMOTE_ADDR=address)


def wrong(user, at=AT, **facts):
    return failure("auth.login.failure", user=user, at=at, reason="invalid_password", **facts)


def refused(user=None, at=AT, **facts):
    facts = {"reason": "locked", "via": "defender", **facts}
    return failure("auth.login.failure", user=user, at=at, **facts)


def locked(user=None, *parameters, at=AT, **facts):
    facts = {"parameters": list(parameters or [ADDRESS, NAME]), "via": "defender", **facts}
    return failure("auth.account_locked", user=user, at=at, **facts)


def unlocked(user, *parameters, **facts):
    facts = {"parameters": list(parameters), "via": "defender", **facts}
    return success("auth.account_unlocked", user=user, **facts)


def signed_in(user, at=AT, **facts):
    facts["backend"] = MODEL_BACKEND
    return success("auth.login.success", user=user, actor=user, at=at, **facts)


@pytest.fixture
def locked_out(client, bob, log):
    for _ in range(3):
        attempt(client)
    log.forget()
    return bob


class TestLock:
    def test_is_one_entry_however_often_it_is_tried(self, client, bob, log):
        for _ in range(4):
            attempt(client)
        answer = attempt(client, password=PASSWORD)

        assert b"Account locked" in answer.content
        assert log.new() == [wrong(bob)] * 3 + [locked(bob)] + [refused(bob)] * 2

    def test_in_the_admin_is_one_entry(self, client, root, log):
        path = "/admin/login/"
        at = f"POST {path}"
        for _ in range(4):
            attempt(client, "root", path=path)

        name = {"username": "root"}
        expected = [wrong(root, at)] * 3 + [locked(root, ADDRESS, name, at=at), refused(root, at)]
        assert log.new() == expected

    def test_of_a_view_that_the_project_watches_is_one_entry(self, client, bob, log):
        path = "/watched-login/"
        at = f"POST {path}"
        answers = [attempt(client, path=path).status_code for _ in range(4)]

        assert answers == [400, 400, 200, 200]
        assert log.new() == [wrong(bob, at)] * 3 + [locked(bob, at=at), refused(bob, at)]

    def test_by_address_alone_names_who_was_tried(self, client, bob, alice, log, monkeypatch):
        monkeypatch.setattr(config, "DISABLE_USERNAME_LOCKOUT", True)
        for name in ("alice", "alice", "bob", "alice"):
            attempt(client, name)

        assert log.new() == [
            wrong(alice),
            wrong(alice),
            wrong(bob),
            locked(bob, ADDRESS),
            refused(alice),
        ]

    def test_by_name_alone(self, client, bob, log, monkeypatch):
        monkeypatch.setattr(config, "DISABLE_IP_LOCKOUT", True)
        for number in range(1, 5):
            attempt(client, address=f"192.0.2.{number}")

        *wrongs, lock, refusal = log.new()
        assert [row["event"] for row in wrongs] == ["auth.login.failure"] * 3
        assert lock == locked(bob, NAME, ip="192.0.2.3")
        assert refusal == refused(bob, ip="192.0.2.4")

    def test_of_an_unknown_name_names_what_was_typed(self, client, log):
        for _ in range(4):
            attempt(client, "nobody")

        name = {"username": "nobody"}
        *unknown, lock, refusal = log.new()
        assert [row["metadata"]["reason"] for row in unknown] == ["unknown_user"] * 3
        assert lock == locked(None, ADDRESS, name, username="nobody")
        assert refusal == refused(username="nobody")

    @pytest.mark.parametrize("length", [1, 40])
    def test_of_what_may_be_a_password_masks_it(self, client, log, secrets, length):
        typed = "my password is hunter2! " * length
        secrets.learn(typed.strip(), typed[:100])
        for _ in range(4):
            attempt(client, typed)

        rows = log.new()
        assert {row["username"] for row in rows} == {MASK}
        assert rows[3]["metadata"]["parameters"] == [ADDRESS, {"username": MASK}]
        assert rows[4]["metadata"]["reason"] == "locked"

    def test_by_forms_that_are_blank_is_the_lock_alone(self, client, bob, log):
        for _ in range(3):
            attempt(client, password="")

        assert log.new() == [locked(bob)]

    def test_without_a_name_is_of_the_address(self, client, log):
        for _ in range(3):
            client.post("/login/", {})
        client.post("/login/", {})

        assert log.new() == [
            locked(None, ADDRESS),
            failure("auth.login.failure", at=AT, reason="locked", via="defender"),
        ]

    def test_who_only_asks_for_the_form_is_nothing(self, client, locked_out, log):
        answer = client.get("/login/")

        assert b"Account locked" in answer.content
        assert log.new() == []

    def test_by_the_project_is_once(self, bob, log):
        utils.block_username("bob")
        utils.block_username("bob")
        utils.block_ip("192.0.2.1")

        address = {"ip_address": "192.0.2.1"}
        assert log.new() == [locked(bob, NAME, at=""), locked(None, address, at="")]


class TestUnlock:
    def test_in_the_admin_is_by_the_admin(self, as_root, root, locked_out, log):
        by_address, by_name = (
            "/defender/blocks/ip/127.0.0.1/unblock",
            "/defender/blocks/username/bob/unblock",
        )
        as_root.post(by_address)
        as_root.post(by_name)

        assert not utils.get_blocked_usernames()
        assert log.new() == [
            unlocked(None, ADDRESS, actor=root, at=f"POST {by_address}"),
            unlocked(locked_out, NAME, actor=root, at=f"POST {by_name}"),
        ]

    def test_of_what_is_not_locked_is_nothing(self, as_root, bob, log):
        as_root.post("/defender/blocks/username/bob/unblock")
        utils.unblock_ip("192.0.2.1")
        utils.reset_failed_attempts(username="bob")

        assert log.new() == []

    def test_by_the_project_of_both_is_one_entry(self, act, locked_out, log):
        act(lambda request: utils.reset_failed_attempts("127.0.0.1", "bob"))

        assert log.new() == [unlocked(locked_out, ADDRESS, NAME, at=HERE)]

    def test_between_two_locks_is_told(self, act, locked_out, log):
        def unlock_for_a_moment(request):
            utils.unblock_username("bob")
            utils.block_username("bob")
            utils.unblock_username("bob")
            utils.unblock_username("bob")

        act(unlock_for_a_moment)

        lock, unlock = locked(locked_out, NAME, at=HERE), unlocked(locked_out, NAME, at=HERE)
        assert log.new() == [unlock, lock, unlock]

    def test_by_a_success_is_only_the_login(self, client, bob, log):
        attempt(client)
        attempt(client, password=PASSWORD)

        assert log.new() == [wrong(bob), signed_in(bob)]

    def test_by_a_success_from_another_address_is_told(self, client, bob, log, monkeypatch):
        """Where name and address must both be locked, a locked name may sign in elsewhere."""
        monkeypatch.setattr(config, "LOCKOUT_BY_IP_USERNAME", True)
        for _ in range(3):
            attempt(client)
        log.forget()
        attempt(client, password=PASSWORD, address="192.0.2.1")

        elsewhere = {"at": AT, "ip": "192.0.2.1", "actor": bob}
        assert log.new() == [signed_in(bob, ip="192.0.2.1"), unlocked(bob, NAME, **elsewhere)]


def test_connecting_twice_records_nothing_twice(client, bob, log):
    sources.connect_all()
    for _ in range(4):
        attempt(client)
    log.forget()
    utils.unblock_username("bob")

    assert log.new() == [unlocked(bob, NAME)]
