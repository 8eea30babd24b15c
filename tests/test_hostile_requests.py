"""Whatever a client sends costs neither the event nor the login."""

import pytest
from django.contrib.auth.models import User

from django_authaudit import spool
from django_authaudit.cleaning import MASK

pytestmark = pytest.mark.django_db(transaction=True)

HOSTILE = {
    "nul": "bob\0",
    "surrogate": "bob\udcff",
    "newline": "bob\r\nSet-Cookie: a=b",
    "bidi": "\u202ebob",
    "markup": "<script>alert(1)</script>",
    "quote": "bob'; DROP TABLE auth_user; --",
    "percent": "%s%(x)s",
    "long": "b" * 10_000_000,
    "emoji": "🙂" * 300,
}


@pytest.fixture(autouse=True)
def bob(settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = None
    return User.objects.create_user("bob", "bob@example.com", "right")


@pytest.fixture(params=list(HOSTILE.values()), ids=list(HOSTILE))
def hostile(request):
    return request.param


@pytest.mark.parametrize("path", ["/login/", "/api-login/", "/async-login/"])
def test_a_hostile_user_name_is_one_failed_login(client, rows, hostile, path):
    # A form makes U+FFFD of bytes that are no UTF-8; the test client sends none. A NUL that no
    # form has refused ends PostgreSQL's own look-up in the host, before anybody could tell.
    hostile = hostile.replace("\udcff", "\ufffd")
    hostile = hostile if path == "/login/" else hostile.replace("\0", "\1")
    response = client.post(path, {"username": hostile, "password": "wrong"})
    assert response.status_code in (200, 400)
    (row,) = rows("auth.login.failure")
    assert row.username == MASK
    assert row.metadata["reason"] in ("unknown_user", "malformed")
    assert len(row.metadata["username_hash"]) == 32
    if len(hostile) > 150:
        assert row.metadata["truncated"]["username"] == len(hostile)
    assert not spool.waiting("default")


def test_a_hostile_user_agent_is_stored_cleaned_and_the_login_works(client, rows, hostile):
    data = {"username": "bob", "password": "right"}
    response = client.post("/login/", data, HTTP_USER_AGENT=hostile)
    assert response.status_code == 302
    (row,) = rows("auth.login.success")
    assert row.user_agent.isprintable()
    assert ("truncated" in row.metadata) == (len(hostile) > 512)
    assert not spool.waiting("default")


def test_a_hostile_forwarded_header_is_kept_apart_and_the_login_works(client, rows, hostile):
    data = {"username": "bob", "password": "right"}
    response = client.post("/login/", data, HTTP_X_FORWARDED_FOR=hostile, REMOTE_ADDR="8.8.8.8")
    assert response.status_code == 302
    (row,) = rows("auth.login.success")
    assert row.ip_address == "8.8.8.8"
    assert row.metadata["untrusted_forwarded_for"]
    assert not spool.waiting("default")


@pytest.mark.parametrize("address", ["", "garbage", "unix:", "1" * 10_000, "::ffff:8.8.8.8"])
def test_a_peer_without_an_address_is_recorded_without_one(client, rows, address):
    data = {"username": "bob", "password": "right"}
    assert client.post("/login/", data, REMOTE_ADDR=address).status_code == 302
    (row,) = rows("auth.login.success")
    assert row.ip_address == ("8.8.8.8" if "8.8" in address else None)


def test_a_path_with_a_nul_is_recorded(client, rows):
    client.get("/%00forbidden/", headers={"host": "evil.example"})
    (row,) = rows("security.suspicious_request")
    assert row.path == "/\\x00forbidden/"


def test_a_method_nobody_knows_is_recorded(client, rows):
    client.generic("X" * 1000, "/forbidden/")
    (row,) = rows("authz.forbidden")
    assert len(row.method) == 16
    assert row.metadata["truncated"] == {"method": 1000}


def test_a_body_that_is_too_large_is_a_suspicious_request(client, rows, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    response = client.post(
        "/login/", "username=" + "b" * 1000, content_type="application/x-www-form-urlencoded"
    )
    assert response.status_code == 400
    (row,) = rows("security.suspicious_request")
    assert row.metadata["exception"] == "RequestDataTooBig"


def test_a_password_typed_as_the_name_is_masked_but_can_be_compared(client, rows):
    for typed in ("correct horse battery", "correct horse battery", "another phrase!"):
        client.post("/login/", {"username": typed, "password": "bob"})
    hashes = [row.metadata["username_hash"] for row in rows("auth.login.failure")]
    assert hashes[0] == hashes[1] != hashes[2]
    assert "correct horse" not in str([vars(row) for row in rows()])


def test_a_name_that_looks_wrong_but_has_an_account_is_not_masked(client, rows):
    User.objects.create_user("DOMAIN\\bob", "", "right")
    client.post("/login/", {"username": "DOMAIN\\bob", "password": "wrong"})
    (row,) = rows("auth.login.failure")
    assert row.username == "DOMAIN\\bob"
    assert row.metadata == {"reason": "invalid_password"}
