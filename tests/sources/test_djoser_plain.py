"""Djoser without tokens of its own."""

from tests.sources.recorded import PASSWORD, success


def test_a_request_for_a_reset_is_one_entry(client, bob, log, secrets):
    client.post("/api/users/reset_password/", {"email": bob.email})

    at = "POST /api/users/reset_password/"
    assert log.new() == [success("auth.password_reset.requested", user=bob, at=at, via="djoser")]


def test_an_account_that_leaves_is_one_entry(as_bob, bob, log):
    as_bob.delete(
        "/api/users/me/", {"current_password": PASSWORD}, content_type="application/json"
    )

    assert [(row["event"], row["user"]) for row in log.new()] == [("account.deleted", bob.pk)]
