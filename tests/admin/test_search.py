from datetime import timedelta

import pytest

from django_authaudit.admin import search
from tests.admin.conftest import LIST, NOON, names, row, text


@pytest.fixture
def entries(reader, alice, bob):
    row(
        "auth.login.success",
        username="bob",
        email="bob@example.com",
        user_id=bob.pk,
        actor_id=bob.pk,
        actor_username="bob",
        ip_address="203.0.113.7",
    )
    row(
        "authz.role.granted",
        at=NOON + timedelta(seconds=1),
        username="alice",
        email="alice@example.com",
        user_id=alice.pk,
        actor_id=bob.pk,
        actor_username="bob",
        ip_address="2001:db8::1",
    )
    row("auth.login.failure", at=NOON + timedelta(seconds=2), username="bobby")
    row(
        "auth.password_reset.requested",
        at=NOON + timedelta(seconds=3),
        email="Who@example.com",
        ip_address="203.0.113.70",
    )


@pytest.mark.parametrize(
    ("term", "expected"),
    [
        ("bob", ["alice", "bob"]),
        (" bob ", ["alice", "bob"]),
        ("alice", ["alice"]),
        ("bobby", ["bobby"]),
        ("bob@example.com", ["bob"]),
        ("Who@example.com", [""]),
        ("203.0.113.7", ["bob"]),
        ("[203.0.113.7]:443", ["bob"]),
        ("2001:0DB8::1", ["alice"]),
        ("example.com", []),
        ("bo", []),
        ("203.0.113", []),
        ("bob alice", []),
        ("  ", ["", "bobby", "alice", "bob"]),
    ],
)
def test_an_exact_name_address_or_e_mail_is_found(reader, entries, term, expected):
    assert names(reader.get(LIST, {"q": term})) == expected


@pytest.mark.parametrize(
    "term",
    [
        "\0",
        "bob\0",
        "x" * 10_000,
        "@" * 10_000,
        "1." * 5_000,
        "'; DROP TABLE auth_user; --",
        "%",
        "_",
        "\\",
        "\ud800".encode("utf-8", "surrogatepass"),
        "‮",
        "😀",
        "999.999.999.999",
        "::ffff:203.0.113.7%eth0",
        '"unbalanced',
    ],
)
def test_what_cannot_be_found_is_no_error(reader, entries, term):
    assert names(reader.get(LIST, {"q": term})) in ([], ["bob"])


def test_what_was_cut_when_it_was_recorded_is_found_by_what_was_typed(reader):
    row("auth.login.failure", username="x" * 10_000)

    assert len(names(reader.get(LIST, {"q": "x" * 10_000}))) == 1


def test_a_search_says_how_much_it_found_and_leads_back(reader, entries):
    response = reader.get(LIST, {"q": "bob", "outcome": "success"})

    assert "2 entries ( Show all )" in text(response)
    assert 'href="?outcome=success">Show all' in response.content.decode()


def test_a_search_keeps_the_filters(reader, entries):
    page = reader.get(LIST, {"outcome": "success"}).content.decode()

    assert '<input type="hidden" name="outcome" value="success">' in page
    assert names(reader.get(LIST, {"q": "bob", "event": "authz.role.granted"})) == ["alice"]


def test_the_term_is_shown_inert(reader):
    page = reader.get(LIST, {"q": '"><script>alert(1)</script>'}).content.decode()

    assert "<script>alert" not in page


@pytest.fixture
def many(reader):
    """A name with five entries as user, five as actor and one as both, newest last."""
    for n in range(5):
        at = NOON + timedelta(seconds=2 * n)
        row(username="bob", email=f"u{n}", at=at)
        row(actor_username="bob", email=f"a{n}", at=at + timedelta(seconds=1))
    row(username="bob", actor_username="bob", email="both", at=NOON + timedelta(minutes=1))


def emails(response):
    return [entry.email for entry in response.context["cl"].result_list]


def test_matches_of_several_columns_come_newest_first_and_once(reader, many):
    response = reader.get(LIST, {"q": "bob"})

    newest_first = [f"{kind}{n}" for n in (4, 3, 2, 1, 0) for kind in ("a", "u")]
    assert emails(response) == ["both", *newest_first]
    assert "11 entries" in text(response)


def test_matches_are_paged(reader, many, monkeypatch):
    monkeypatch.setattr("django_authaudit.admin.AuditLogAdmin.list_per_page", 4)
    page = reader.get(LIST, {"q": "bob"})
    pages = [emails(page)]
    while url := page.context["cl"].older_url:
        page = reader.get(LIST + url)
        pages.append(emails(page))

    assert pages == [["both", "a4", "u4", "a3"], ["u3", "a2", "u2", "a1"], ["u1", "a0", "u0"]]


ADDRESSES = {
    "a": "203.0.113.7",
    "b": "203.0.113.200",
    "c": "203.0.112.1",
    "d": "20.30.113.7",
    "e": "2001:db8::1",
    "f": "2001:db8:0:1::1",
    "g": "2001:db8:1::1",
    "h": "2001:dead::1",
}


@pytest.mark.parametrize(
    ("network", "expected"),
    [
        ("203.0.113.0/24", "ba"),
        ("203.0.113.7/24", "ba"),
        ("203.0.113.0/25", "a"),
        ("203.0.112.0/23", "cba"),
        ("203.0.113.7/32", "a"),
        ("0.0.0.0/0", "dcba"),
        ("0.0.0.0/1", "d"),
        ("2001:db8::/64", "e"),
        ("2001:db8::/48", "fe"),
        ("2001:db8::/32", "gfe"),
        ("2001:d00::/24", "gfe"),
        ("2001:c00::/22", "gfe"),
        ("2001:db8::1/128", "e"),
        ("::/0", "hgfe"),
        ("198.51.100.0/24", ""),
        ("198.51.100.0/33", ""),
        ("no/network", ""),
    ],
)
def test_a_network_is_found(reader, network, expected):
    for n, (name, address) in enumerate(ADDRESSES.items()):
        row(username=name, ip_address=address, at=NOON + timedelta(seconds=n))

    assert sorted(names(reader.get(LIST, {"q": network}))) == sorted(expected)


def test_the_entries_of_a_network_come_newest_first_and_once(reader):
    for n in range(300):
        address = f"203.0.113.{n % 3}"
        row(username=str(n), ip_address=address, at=NOON + timedelta(seconds=n))

    response = reader.get(LIST, {"q": "203.0.113.0/24"})

    assert names(response) == [str(n) for n in range(299, 199, -1)]
    assert "300 entries" in text(response)


def test_a_network_of_too_many_addresses_is_said_to_be_one(reader, monkeypatch):
    monkeypatch.setattr(search, "MOST_ADDRESSES", 2)
    for n in range(3):
        row(ip_address=f"203.0.113.{n}")

    response = reader.get(LIST, {"q": "203.0.113.0/24"})

    assert names(response) == []
    assert "More than 2 addresses of this network have entries" in text(response)


def test_as_many_addresses_of_a_network_as_are_looked_for_are_found(reader, monkeypatch):
    monkeypatch.setattr(search, "MOST_ADDRESSES", 3)
    for n in range(3):
        row(username=str(n), ip_address=f"203.0.113.{n}")

    assert len(names(reader.get(LIST, {"q": "203.0.113.0/24"}))) == 3


@pytest.mark.parametrize(
    ("term", "expected"),
    [
        ("auth", ["reset", "failed", "in"]),
        ("auth.", ["reset", "failed", "in"]),
        ("auth.login", ["failed", "in"]),
        ("auth.login.f", ["failed"]),
        ("authz", ["granted"]),
        ("au", []),
    ],
)
def test_events_are_found_by_how_they_begin(reader, term, expected):
    row("auth.login.success", username="in")
    row("auth.login.failure", username="failed", at=NOON + timedelta(seconds=1))
    row("auth.password_reset.requested", username="reset", at=NOON + timedelta(seconds=2))
    row("authz.role.granted", username="granted", at=NOON + timedelta(seconds=3))

    assert names(reader.get(LIST, {"q": term})) == expected


def test_a_request_is_found(reader):
    row(username="bob", request_id="0123456789abcdef")
    row(username="eve", request_id="fedcba9876543210")

    assert names(reader.get(LIST, {"q": "0123456789abcdef"})) == ["bob"]
