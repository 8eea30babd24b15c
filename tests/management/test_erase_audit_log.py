"""`erase_audit_log`: a person's values are gone everywhere, and the proof holds all the same."""

import gzip
import io
import json
import signal
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, OperationalError, connection

from django_authaudit import hardening, retention, spool
from django_authaudit.entry import first_id_at
from django_authaudit.integrity import erasures, writers
from django_authaudit.integrity.condition import Condition, condition_of
from django_authaudit.integrity.rows import Reader
from django_authaudit.models import AuditHold, AuditLog, AuditSeal
from django_authaudit.people import find_person
from django_authaudit.retention import archives, holds
from tests.integrity.log import add, change, make, runs, seal
from tests.management.rows import days_ago
from tests.management.test_prune_audit_log import ELSEWHERE

pytestmark = pytest.mark.django_db
ALICE = {"username": "alice", "email": "Alice@example.com"}
SECRETS = ("alice", "Alice", "192.0.2.7", "Netscape", "ref-1", "request-1", "/users/7/")
REQUEST = {
    "ip_address": "192.0.2.7",
    "user_agent": "Netscape/4",
    "session_ref": "ref-1",
    "request_id": "request-1",
    "path": "/users/7/",
}
BOB = {"username": "bob", "email": "bob@example.com"}
BOBS_REQUEST = {
    "ip_address": "192.0.2.8",
    "user_agent": "Lynx",
    "session_ref": "ref-2",
    "request_id": "request-2",
    "path": "/users/7/",
}


@pytest.fixture
def alice(django_user_model):
    return django_user_model.objects.create_user(**ALICE, password="x")


@pytest.fixture
def bob(django_user_model):
    return django_user_model.objects.create_user(**BOB, password="x")


def erase(*arguments, user="alice", **options):
    out = io.StringIO()
    call_command("erase_audit_log", *arguments, user=user, stdout=out, by="ines", **options)
    return out.getvalue()


def refusal(*arguments, **options):
    with pytest.raises(CommandError) as refused:
        erase(*arguments, **options)
    assert refused.value.returncode == 2
    return str(refused.value)


def stored(entry):
    return AuditLog.objects.get(pk=entry.id)


def values(entry):
    return AuditLog.objects.filter(pk=entry.id).values().get()


def pseudonym():
    return AuditLog.objects.filter(event="audit.erased").latest("pk").metadata["pseudonym"]


def person(account):
    return find_person(account.username, AuditLog.objects.all())


def unstored(**values):
    (entry,) = writers.Writer().number([make(**values)])
    return entry


def text_of_the_log():
    rows = [*AuditLog.objects.values(), *AuditHold.objects.values()]
    return json.dumps(rows, default=str)


def conditions():
    found = {}
    for row in Reader("default").by_number():
        found.setdefault(condition_of(row), []).append(row.content["id"])
    return found


# --- what goes and what stays


def test_what_she_did_herself_is_hers_no_more(alice):
    (entry,) = add(
        1, user_id=alice.pk, actor_id=alice.pk, actor_username="alice", **ALICE, **REQUEST,
        event="auth.login.failure", outcome="failure",
        metadata={"reason": "invalid_password", "typed": "alice", "note": "call her"},
    )  # fmt: skip

    erase()

    row = stored(entry)
    assert (row.event, row.outcome, row.created_at) == (
        "auth.login.failure", "failure", entry.created_at,
    )  # fmt: skip
    assert (row.user_id, row.username, row.email) == (None, pseudonym(), "")
    assert (row.actor_id, row.actor_username) == (None, pseudonym())
    assert (row.ip_address, row.user_agent, row.session_ref) == (None, "", "")
    assert (row.request_id, row.path) == ("", "")
    assert row.metadata == {"reason": "invalid_password"}
    assert (row.leaf, row.salt) == (entry.leaf, "")
    assert (row.writer, row.sequence) == (entry.writer, entry.sequence)


def test_what_another_did_to_her_stays_the_others(alice, bob):
    (entry,) = add(
        1, user_id=alice.pk, **ALICE, actor_id=bob.pk, actor_username="bob", **BOBS_REQUEST,
        event="account.renamed", metadata={"old": "ally", "new": "alice", "by": "admin"},
    )  # fmt: skip

    erase()

    row = stored(entry)
    assert (row.user_id, row.username, row.email, row.path) == (None, pseudonym(), "", "")
    assert (row.actor_id, row.actor_username) == (bob.pk, "bob")
    assert (row.ip_address, row.user_agent, row.session_ref) == ("192.0.2.8", "Lynx", "ref-2")
    assert row.metadata == {"by": "admin"}


def test_what_she_did_to_another_stays_about_the_other(alice, bob):
    (entry,) = add(
        1, user_id=bob.pk, **BOB, actor_id=alice.pk, actor_username="alice", **REQUEST,
        event="account.email_changed",
        metadata={"old": "old@example.com", "new": "bob@example.com", "told": ["by Alice"],
                  "untrusted_forwarded_for": "192.0.2.7"},
    )  # fmt: skip

    erase()

    row = stored(entry)
    assert (row.user_id, row.username, row.email) == (bob.pk, "bob", "bob@example.com")
    assert (row.actor_id, row.actor_username) == (None, pseudonym())
    assert (row.ip_address, row.user_agent, row.path) == (None, "", "")
    assert row.metadata == {
        "old": "old@example.com",
        "new": "bob@example.com",
        "told": [f"by {pseudonym()}"],
    }


def test_what_was_typed_for_her_name_or_address_is_hers(alice):
    entries = [
        *add(1, username="alice", **REQUEST),
        *add(1, username="alice@example.com"),
        *add(1, email="Alice@example.com"),
        *add(1, actor_username="alice"),
    ]

    erase()

    assert {stored(entry).username or stored(entry).actor_username for entry in entries} == {
        pseudonym()
    }


def test_other_peoples_entries_are_untouched(alice, bob):
    entries = [
        *add(2, user_id=bob.pk, **BOB, actor_id=bob.pk, actor_username="bob", **BOBS_REQUEST),
        # A later account of the same name, or an earlier one.
        *add(1, user_id=alice.pk + 1_000, **ALICE, **REQUEST),
        *add(1, username="alicent", ip_address="192.0.2.7"),
        *add(1),
    ]
    before = [values(entry) for entry in entries]

    erase()

    assert [values(entry) for entry in entries] == before


def test_nothing_of_her_is_left_anywhere_in_the_log(alice, bob):
    add(2, user_id=alice.pk, actor_id=alice.pk, actor_username="alice", **ALICE, **REQUEST,
        metadata={"typed": "alice", "email": {"of": ["Alice@example.com"]}})  # fmt: skip
    add(1, user_id=bob.pk, actor_id=alice.pk, actor_username="alice", **REQUEST,
        metadata={"why": "ALICE wanted it, from 192.0.2.7"})  # fmt: skip
    ended = holds.hold(reason="x", operator="x", using="default", person=person(alice))
    holds.release(ended.pk, operator="x", using="default")

    erase()

    text = text_of_the_log().lower()
    assert [secret for secret in SECRETS if secret.lower() in text] == []


def test_somebody_whose_account_is_gone_is_erased_by_name_and_by_key(alice, bob):
    entries = add(2, user_id=alice.pk, **ALICE)
    others = add(2, user_id=bob.pk, **BOB)
    key = str(bob.pk)
    alice.delete()
    bob.delete()

    erase(user="alice")
    first = pseudonym()
    erase(user=key)

    assert {stored(entry).username for entry in entries} == {first}
    assert {stored(entry).username for entry in others} == {pseudonym()}
    assert first != pseudonym()


def test_more_entries_than_one_transaction_takes_are_erased(alice, monkeypatch):
    monkeypatch.setattr("django_authaudit.retention.erasure.ROWS_A_TRANSACTION", 3)
    add(10, user_id=alice.pk, **ALICE)

    printed = erase()

    # With the making of her account.
    assert printed == (
        f"Entries changed: 11 in the table, 0 elsewhere. The person is now {pseudonym()}.\n"
    )
    assert not AuditLog.objects.filter(username="alice").exists()


def test_somebody_known_by_a_key_alone_is_erased(alice, spool_dir):
    spool_dir.mkdir(mode=0o700)
    (entry,) = add(1, user_id=alice.pk + 1_000, metadata={"via": "token"})
    path = spool_dir / f"{spool.identity('default')}{spool.SET_ASIDE}"
    path.write_text("no entry\n")

    erase(user=str(alice.pk + 1_000))

    left = stored(entry)
    assert (left.username, left.user_id, left.metadata) == (pseudonym(), None, {"via": "token"})
    assert path.read_text() == "no entry\n"


def test_whose_name_differs_in_case_is_somebody_else(alice):
    # MariaDB finds one by the other.
    (other,) = add(1, username="ALICE", path="/users/8/")
    before = values(other)

    erase()

    assert values(other) == before


def test_a_lock_that_passes_is_waited_for(alice, monkeypatch):
    (entry,) = add(1, user_id=alice.pk, **ALICE)
    errors = [OperationalError("database table is locked"), None]
    kept = erasures.record

    def record(*arguments, **options):
        if error := errors.pop(0):
            raise error
        kept(*arguments, **options)

    monkeypatch.setattr(erasures, "record", record)
    erase()

    assert not errors
    assert stored(entry).username == pseudonym()


# --- what still proves it


def test_seals_and_signatures_hold_afterwards(alice, bob):
    writer = writers.Writer()
    entries = add(2, writer, user_id=alice.pk, **ALICE) + add(2, writer, user_id=bob.pk, **BOB)
    seal()

    erase()

    found = conditions()
    assert set(found) == {Condition.INTACT, Condition.ERASED}
    assert {str(entry.id) for entry in entries[:2]} <= set(found[Condition.ERASED])
    assert (writer.id, 1, 2) in runs(AuditSeal.ERASED)


def test_what_is_left_cannot_be_edited_unnoticed(alice):
    (entry,) = add(1, user_id=alice.pk, **ALICE)
    erase()

    change(entry, "username", "mallory")

    assert conditions()[Condition.EDITED] == [str(entry.id)]


def test_an_edited_entry_is_left_as_evidence(alice):
    edited, whole = add(2, user_id=alice.pk, **ALICE)
    change(edited, "event", "auth.login.success")
    before = values(edited)

    message = refusal()

    assert message.startswith("1 entries of this person are not as they were signed")
    assert values(edited) == before
    assert stored(whole).username == pseudonym()


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="types are up to each row there")
@pytest.mark.parametrize(
    "edit",
    [
        "user_agent = X'00'",
        "user_agent = CAST(X'ff41' AS TEXT)",
        "sequence = 'x'",
        "writer = 'x'",
        "writer = X'ff'",
        "writer = 'x', leaf = ''",
        "writer = X'ff', leaf = ''",
    ],
)
def test_an_entry_that_cannot_be_read_keeps_no_other_from_being_erased(alice, edit):
    first, unreadable, last = add(3, user_id=alice.pk, **ALICE)
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {AuditLog._meta.db_table} SET {edit} WHERE id = %s", [unreadable.id.hex]
        )

    message = refusal()

    assert message.startswith("1 entries of this person are not as they were signed")
    assert {stored(first).username, stored(last).username} == {pseudonym()}
    assert AuditLog.objects.filter(pk=unreadable.id, username="alice").exists()


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="types are up to each row there")
def test_an_id_that_is_none_is_told(alice):
    (entry,) = add(1, user_id=alice.pk, **ALICE)
    change(entry, "id", "x")

    assert "cannot be read: verify_audit_log names them" in refusal()


@pytest.mark.parametrize("metadata", ["[1]", "5", '"abc"', "null", '{"reason": "x", "a": 1}'])
def test_edited_metadata_is_left_and_keeps_no_other_from_being_erased(alice, metadata):
    first, edited, last = add(3, user_id=alice.pk, metadata={"reason": "x"}, **ALICE)
    change(edited, "metadata", metadata)

    assert refusal().startswith("1 entries of this person are not as they were signed")

    assert {stored(first).username, stored(last).username} == {pseudonym()}
    assert conditions()[Condition.EDITED] == [str(edited.id)]


@pytest.mark.skipif("connection.vendor == 'postgresql'", reason="it keeps neither")
@pytest.mark.parametrize("metadata", ['{"reason": "x"} ', '{"reason": "y", "reason": "x"}'])
def test_an_edit_that_django_does_not_see_is_not_erased_away(alice, metadata):
    (edited,) = add(1, user_id=alice.pk, metadata={"reason": "x"}, **ALICE)
    change(edited, "metadata", metadata)

    assert refusal().startswith("1 entries of this person are not as they were signed")

    assert conditions()[Condition.EDITED] == [str(edited.id)]


def test_an_entry_whose_time_was_edited_is_left_as_evidence(alice):
    edited, whole = add(2, user_id=alice.pk, **ALICE)
    change(edited, "created_at", "2020-01-01 00:00:00")

    assert refusal().startswith("1 entries of this person are not as they were signed")

    assert stored(edited).username == "alice"
    assert stored(whole).username == pseudonym()


def test_an_entry_of_before_there_were_signatures_is_erased_too(alice):
    AuditLog.objects.create(
        event="auth.logout", outcome="success", created_at=days_ago(1), user_id=alice.pk, **ALICE
    )

    erase()

    assert not AuditLog.objects.filter(user_id=alice.pk).exists()


def test_the_log_says_that_somebody_was_erased_and_not_who(alice):
    add(3, user_id=alice.pk, **ALICE)

    erase()

    entry = AuditLog.objects.get(event="audit.erased")
    assert (entry.user_id, entry.username) == (None, "")
    assert entry.metadata == {
        "command": "erase_audit_log",
        "count": 4,
        "database": "default",
        "elsewhere": 0,
        "operator": "ines",
        "pseudonym": pseudonym(),
    }


@pytest.mark.django_db(transaction=True)
def test_a_hardened_log_lets_erasure_pass(alice):
    (entry,) = add(1, user_id=alice.pk, **ALICE)
    hardening.enable("default")
    try:
        erase()
        with pytest.raises(DatabaseError, match="only grows"):
            change(entry, "username", "mallory")
    finally:
        hardening.disable("default")
    assert stored(entry).username == pseudonym()


# --- the spool and the archives


def test_what_waits_in_the_spool_is_erased(alice):
    entry = unstored(user_id=alice.pk, **ALICE)
    spool.append("default", [entry])

    erase()

    assert not spool.waiting("default")
    assert stored(entry).username == pseudonym()


def test_what_was_set_aside_is_erased(alice, spool_dir):
    spool_dir.mkdir(mode=0o700)
    (entry,) = add(1, **ALICE)
    (other,) = add(1, **BOB)
    database = spool.identity("default")
    path = spool_dir / f"{database}{spool.SET_ASIDE}"
    kept = spool._line(other, database)
    path.write_text("\n".join([spool._line(entry, database), kept, "alice was here", "[]"]) + "\n")

    assert "1 elsewhere" in erase("--dry-run")
    printed = erase()

    assert "2 elsewhere" in printed
    lines = path.read_text().splitlines()
    assert json.loads(lines[0])["username"] == pseudonym()
    assert json.loads(lines[0])["database"] == database
    assert lines[1:] == [kept, f"{pseudonym()} was here", "[]"]


def test_what_was_set_aside_and_names_others_alone_is_not_written_anew(alice, spool_dir):
    spool_dir.mkdir(mode=0o700)
    (other,) = add(1, **BOB)
    database = spool.identity("default")
    path = spool_dir / f"{database}{spool.SET_ASIDE}"
    path.write_text(f"{spool._line(other, database)}\n")
    before = path.stat()

    assert "0 elsewhere" in erase()

    after = path.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_what_was_set_aside_and_edited_is_erased_all_the_same(alice, spool_dir):
    spool_dir.mkdir(mode=0o700)
    (entry,) = add(1, user_id=alice.pk, **ALICE)
    database = spool.identity("default")
    edited = {**json.loads(spool._line(entry, database)), "event": "auth.login.success"}
    path = spool_dir / f"{database}{spool.SET_ASIDE}"
    path.write_text(f"{json.dumps(edited)}\n")

    assert "1 elsewhere" in erase()

    (line,) = path.read_text().splitlines()
    left = json.loads(line)
    assert (left["username"], left["event"]) == (pseudonym(), "auth.login.success")
    assert not left["signature"]


def archived(folder):
    return [
        json.loads(line)
        for path in sorted(folder.glob("*.jsonl.gz"))
        for line in gzip.decompress(path.read_bytes()).splitlines()
    ]


@pytest.fixture
def archive(tmp_path, alice, bob):
    """Archive what Alice and Bob did long ago."""
    start = first_id_at(days_ago(100)).int
    add(1, id=UUID(int=start), user_id=alice.pk, **ALICE, **REQUEST)
    add(1, id=UUID(int=start + 1), user_id=bob.pk, **BOB, **BOBS_REQUEST)
    folder = tmp_path / "archive"
    assert sum(batch.count for batch in retention.prune(days_ago(90), archive=folder)) == 2
    return folder


def test_archives_are_erased_and_others_in_them_are_untouched(archive):
    hers, his = archived(archive)

    printed = erase("--archive", str(archive))

    assert "1 elsewhere" in printed
    left, same = archived(archive)
    assert same == his
    assert (left["username"], left["user_id"], left["salt"]) == (pseudonym(), None, "")
    assert (left["leaf"], left["id"]) == (hers["leaf"], hers["id"])
    assert erasures.is_marked(left["signature"])
    with archives.open_archive(archive, spool.identity("default")) as opened:
        (manifest,) = opened.manifests()
        assert len(opened.ids(manifest)) == 2
    told = AuditLog.objects.filter(event="audit.archived").latest("pk")
    assert told.metadata["sha256"] == manifest.sha256
    text = "".join(path.read_text() for path in archive.glob("*.json"))
    assert "alice" not in text


@pytest.mark.parametrize("way", ["name", "key"])
def test_whom_only_an_archive_knows_is_erased(archive, alice, way):
    user = "alice" if way == "name" else str(alice.pk)
    alice.delete()
    AuditLog.objects.all()._raw_delete("default")

    assert refusal(user=user) == f"Neither an account nor an entry is known by {user!r}."
    erase("--archive", str(archive), user=user)

    assert [line["username"] for line in archived(archive)] == [pseudonym(), "bob"]


def test_whom_not_even_an_archive_knows_is_refused(archive):
    message = "Neither an account nor an entry is known by 'nobody'."
    assert refusal("--archive", str(archive), user="nobody") == message


def test_a_name_of_several_accounts_in_an_archive_is_refused(archive, alice, bob):
    start = first_id_at(days_ago(100)).int
    add(1, id=UUID(int=start + 2), user_id=alice.pk + 1_000, **ALICE)
    assert sum(batch.count for batch in retention.prune(days_ago(90), archive=archive)) == 1
    alice.delete()
    AuditLog.objects.all()._raw_delete("default")

    assert refusal("--archive", str(archive)) == (
        "Several accounts were named 'alice', and none of them is left: give the key of one."
    )


def test_an_archive_that_is_killed_while_it_is_erased_keeps_the_old_file_alone(archive, alice):
    before = archived(archive)
    (data,) = archive.glob("*.jsonl.gz")
    stem = data.name.partition(".")[0]
    (archive / f"{stem}.abcd.jsonl.gz").write_bytes(b"half")
    (archive / f"{stem}.new").write_text("half")

    with archives.open_archive(archive, spool.identity("default")) as opened:
        assert len(list(opened.manifests())) == 1

    assert archived(archive) == before
    assert not list(archive.glob("*.new"))


# --- what is refused, and what is only counted


def test_somebody_who_is_held_is_not_erased(alice):
    add(1, user_id=alice.pk, **ALICE)
    made = holds.hold(reason="lawsuit", operator="x", using="default", person=person(alice))
    before = text_of_the_log()

    message = f"Hold {made.pk} keeps entries of this person (lawsuit): release it first."
    assert refusal() == refusal("--dry-run") == message
    assert text_of_the_log() == before


def test_somebody_with_an_entry_that_is_held_is_not_erased(alice):
    add(1, user_id=alice.pk, **ALICE, **REQUEST)
    holds.hold(reason="police", operator="x", using="default", ip_address="192.0.2.9")
    made = holds.hold(reason="police", operator="x", using="default", ip_address="192.0.2.7")

    assert refusal().startswith(f"Hold {made.pk} ")


def test_a_dry_run_counts_and_changes_nothing(alice, archive):
    add(2, user_id=alice.pk, **ALICE)
    before = text_of_the_log(), archived(archive)

    printed = erase("--dry-run", "--archive", str(archive))

    assert printed == "Entries that would be changed: 3 in the table, 1 elsewhere.\n"
    assert (text_of_the_log(), archived(archive)) == before


def test_nobody_is_refused():
    message = "Neither an account nor an entry is known by 'nobody'."
    assert refusal(user="nobody") == message


def test_it_is_silent_when_asked_to_be(alice):
    assert erase(verbosity=0) == ""


def test_the_spool_of_another_process_is_not_waited_for_long(alice):
    spool.append("default", [unstored()])

    with spool.claim("default"):
        message = refusal()

    assert message.startswith("Another process replays the spool")
    assert AuditLog.objects.filter(username="alice").exists()


@pytest.mark.django_db(transaction=True)
def test_a_database_that_does_not_answer_is_status_two(project):
    environment, message = ELSEWHERE[connection.vendor]

    status, out, err = project.run("erase_audit_log", "--user=alice", **environment)

    assert (status, out) == (2, "")
    assert message in err


@pytest.mark.django_db(transaction=True)
def test_killed_at_any_point_and_run_again_it_has_erased_all(project, bob, tmp_path):
    point, status = 0, -signal.SIGKILL
    while status == -signal.SIGKILL:
        folder = tmp_path / f"archive{point}"
        start = first_id_at(days_ago(100)).int
        old = add(1, id=UUID(int=start), user_id=901, **ALICE, **REQUEST)
        old += add(1, id=UUID(int=start + 1), user_id=bob.pk, **BOB)
        list(retention.prune(days_ago(90), archive=folder))
        new = add(3, user_id=901, **ALICE, **REQUEST)

        status, err = project.run_killed(
            point, "erase_audit_log", "--user=901", f"--archive={folder}"
        )
        if AuditLog.objects.filter(user_id=901).exists():
            erase("--archive", str(folder), user="901")

        left = archived(folder)
        assert [line["id"] for line in left] == [str(entry.id) for entry in old]
        assert [line["user_id"] for line in left] == [None, bob.pk], f"at point {point}"
        assert {row.user_id for row in AuditLog.objects.filter(event="auth.logout")} == {None}
        assert set(conditions()) == {Condition.INTACT, Condition.ERASED}
        assert len(list(folder.iterdir())) == 3
        assert AuditLog.objects.filter(pk__in=[entry.id for entry in new]).count() == 3
        AuditLog.objects.all()._raw_delete("default")
        point += 1
    assert (status, err) == (0, "")
    assert point > 5
