"""What is pruned is on the disk first, once, and readable by anybody."""

import gzip
import hashlib
import json
import signal
import stat
from datetime import datetime, timedelta, timezone

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from django_authaudit import record, retention, spool
from django_authaudit.models import AuditLog
from django_authaudit.retention import ArchiveError, archives, batches, holds, pruning
from tests.management.rows import days_ago, row_at, store

pytestmark = pytest.mark.django_db


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "archive"


def prune(folder, **options):
    return sum(batch.count for batch in retention.prune(days_ago(90), archive=folder, **options))


def manifests(folder, end=".json"):
    return [json.loads(path.read_text()) for path in sorted(folder.glob(f"*{end}"))]


def lines(folder, end=".json"):
    """Return the entries of all files that count, as anybody would read them."""
    return [
        json.loads(line)
        for manifest in manifests(folder, end)
        for line in gzip.decompress((folder / manifest["file"]).read_bytes()).splitlines()
    ]


def ids(folder, end=".json"):
    return [line["id"] for line in lines(folder, end)]


def left():
    return {str(row.pk) for row in AuditLog.objects.filter(event="auth.logout")}


# --- what is in it


def test_every_column_of_every_entry_is_in_the_archive(folder):
    record("auth.login.failure", username="ada", metadata={"reason": "invalid_password"})
    (row,) = AuditLog.objects.values()
    old = row_at(days_ago(100)).pk
    AuditLog.objects.filter(pk=row["id"])._raw_delete("default")
    AuditLog.objects.create(**{**row, "id": old})

    assert prune(folder) == 1

    (line,) = lines(folder)
    assert line.pop("created_at")
    row["id"] = old
    expected = {name: value for name, value in row.items() if name != "created_at"}
    assert line == json.loads(json.dumps(expected, default=str))


def test_a_manifest_says_what_is_in_its_file(folder):
    first, *_, last = store(5, days_ago(100))

    prune(folder)

    (manifest,) = manifests(folder)
    data = (folder / manifest["file"]).read_bytes()
    assert manifest["sha256"] == hashlib.sha256(data).hexdigest()
    assert manifest["content_sha256"] == hashlib.sha256(gzip.decompress(data)).hexdigest()
    assert (manifest["count"], manifest["first"], manifest["last"]) == (
        5,
        str(first.pk),
        str(last.pk),
    )
    assert manifest["database"] == spool.identity("default")
    made = datetime.fromisoformat(manifest["created_at"].replace("Z", "+00:00"))
    assert datetime.now(timezone.utc) - made < timedelta(minutes=1)


def test_a_manifest_has_the_numbers_of_each_writer(folder):
    writers = ["0" * 31 + "1", "0" * 31 + "2"]
    for place, (writer, number) in enumerate(((0, 1), (1, 7), (0, 2), (0, 4), (1, 8))):
        row = row_at(days_ago(100), place)
        row.writer, row.sequence = writers[writer], number
        row.save()
    store(1, days_ago(99))

    prune(folder)

    (manifest,) = manifests(folder)
    assert manifest["ranges"] == {
        "00000000-0000-0000-0000-000000000001": [[1, 2], [4, 4]],
        "00000000-0000-0000-0000-000000000002": [[7, 8]],
    }


def test_a_file_does_not_grow_without_end(folder, monkeypatch):
    monkeypatch.setattr(pruning, "ENTRIES_A_FILE", 10)
    rows = store(25, days_ago(100))

    assert prune(folder) == 25

    assert [manifest["count"] for manifest in manifests(folder)] == [10, 10, 5]
    assert sorted(ids(folder)) == sorted(str(row.pk) for row in rows)


def test_more_entries_than_one_statement_can_name_leave(folder):
    store(1_250, days_ago(100))

    assert prune(folder) == 1_250
    assert len(set(ids(folder))) == 1_250


def test_events_with_periods_of_their_own_are_archived_once(folder, settings):
    settings.AUTHAUDIT_RETENTION = {"auth.": 30, "authz.": 200}
    store(3, days_ago(300))
    store(4, days_ago(50))

    assert prune(folder) == 7
    assert len(set(ids(folder))) == len(ids(folder)) == 7


def test_nothing_to_archive_makes_no_file(folder):
    store(3, days_ago(10))

    assert prune(folder) == 0
    assert [path.name for path in folder.iterdir()] == [".lock"]


def test_its_owner_alone_can_read_it(folder):
    store(3, days_ago(100))

    prune(folder)

    modes = {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    assert (stat.S_IMODE(folder.stat().st_mode), modes) == (0o700, {0o600})


def test_the_log_names_each_file_with_its_digest(folder, monkeypatch):
    monkeypatch.setattr(pruning, "ENTRIES_A_FILE", 2)
    store(3, days_ago(100))

    prune(folder)

    told = AuditLog.objects.filter(event="audit.archived").order_by("pk")
    assert [row.metadata for row in told] == [
        {name: manifest[name] for name in ("file", "sha256", "count", "first", "last")}
        for manifest in sorted(manifests(folder), key=lambda manifest: manifest["first"])
    ]
    (pruned,) = AuditLog.objects.filter(event="audit.pruned")
    assert (pruned.metadata["count"], pruned.metadata["archive"]) == (3, str(folder))


# --- what goes wrong


def test_what_reads_other_than_it_was_written_is_not_deleted(folder, monkeypatch):
    store(3, days_ago(100))
    digest = archives._digest

    def rot(path):
        found = digest(path)
        data = path.read_bytes()
        path.write_bytes(data[:-9] + bytes([data[-9] ^ 1]) + data[-8:])
        return found

    monkeypatch.setattr(archives, "_digest", rot)
    with pytest.raises(ArchiveError, match=r"cannot be read back|not as it was written"):
        prune(folder)

    monkeypatch.undo()
    assert len(left()) == 3
    assert prune(folder) == 3
    assert len(ids(folder)) == 3


@pytest.mark.parametrize("damage", [b"", b"no gzip", None])
def test_a_damaged_file_of_a_run_that_was_broken_off_keeps_its_entries(folder, damage):
    broken_off(folder)
    (path,) = folder.glob("*.jsonl.gz")
    path.unlink() if damage is None else path.write_bytes(damage)

    with pytest.raises(ArchiveError):
        prune(folder)
    assert len(left()) == 3


def broken_off(folder):
    """Archive three entries and delete none of them."""
    store(3, days_ago(100))
    going = retention.prune(days_ago(90), archive=folder, batch_size=1)
    delete = batches._delete
    batches._delete = None
    try:
        with pytest.raises(TypeError):
            next(going)
    finally:
        batches._delete = delete
    assert (len(manifests(folder, ".pending")), len(left())) == (1, 3)


@pytest.mark.parametrize("text", ["", "[]", '{"format": 1}'])
def test_a_manifest_that_is_none_is_refused(folder, text):
    broken_off(folder)
    (path,) = folder.glob("*.pending")
    path.write_text(text)

    with pytest.raises(ArchiveError, match="is no manifest of an archive"):
        prune(folder)


def test_a_manifest_of_a_later_version_is_refused(folder):
    broken_off(folder)
    (path,) = folder.glob("*.pending")
    path.write_text(path.read_text().replace("archive 1", "archive 2"))

    with pytest.raises(ArchiveError, match="has the format 'django_authaudit archive 2'"):
        prune(folder)


def test_a_run_that_was_broken_off_is_finished_first(folder):
    broken_off(folder)
    (before,) = manifests(folder, ".pending")

    assert prune(folder) == 3

    assert manifests(folder) == [before]
    assert AuditLog.objects.filter(event="audit.archived").count() == 1


def test_what_is_held_meanwhile_stays_and_is_not_archived_again(folder):
    broken_off(folder)
    kept = min(left())
    AuditLog.objects.filter(pk=kept).values()
    first = AuditLog.objects.get(pk=kept).created_at
    made = holds.hold(
        reason="x", operator="x", using="default", until=first + timedelta(milliseconds=1)
    )

    assert prune(folder) == 2
    assert left() == {kept}
    assert len(manifests(folder, ".pending")) == 1

    holds.release(made.pk, operator="x", using="default")
    assert prune(folder) == 1
    assert len(ids(folder)) == len(set(ids(folder))) == 3


def test_the_archive_of_another_database_is_left_alone(folder):
    broken_off(folder)
    (path,) = folder.glob("*.pending")
    path.write_text(path.read_text().replace(spool.identity("default"), "another"))

    assert prune(folder) == 3
    assert len(manifests(folder)) == len(manifests(folder, ".pending")) == 1


def test_two_at_once_are_refused(folder):
    store(3, days_ago(100))

    with (
        archives.open_archive(folder, "x"),
        pytest.raises(ArchiveError, match="Another process archives to"),
    ):
        prune(folder)
    assert len(left()) == 3


def test_entries_that_appear_meanwhile_stay_until_they_are_archived(folder):
    store(3, days_ago(100))
    late = row_at(days_ago(100), 99)

    def be_late(execute, sql, params, many, context):
        if "DELETE FROM" in sql and late._state.adding:
            late.save()
        return execute(sql, params, many, context)

    with connection.execute_wrapper(be_late):
        assert prune(folder) == 3
    assert left() == {str(late.pk)}
    assert prune(folder) == 1
    assert str(late.pk) in ids(folder)


def test_a_folder_that_cannot_be_made_is_status_two(tmp_path):
    (tmp_path / "file").write_text("")
    store(3, days_ago(100))

    with pytest.raises(CommandError) as refusal:
        call_command("prune_audit_log", archive=tmp_path / "file" / "archive")

    assert refusal.value.returncode == 2
    assert "Not a directory" in str(refusal.value)
    assert len(left()) == 3


def test_a_dry_run_archives_nothing(folder):
    store(3, days_ago(100))

    call_command("prune_audit_log", archive=folder, dry_run=True, verbosity=0)

    assert not folder.exists()


# --- killed at any point


def test_killed_at_any_point_and_run_again_it_neither_loses_nor_doubles(project, tmp_path):
    point, status = 0, -signal.SIGKILL
    while status == -signal.SIGKILL:
        folder = tmp_path / f"archive{point}"
        every = {str(row.pk) for row in store(8, days_ago(100))}
        status, err = project.run_killed(
            point, "prune_audit_log", "--batch-size=5", f"--archive={folder}"
        )
        kept = left()
        gone = set(ids(folder)) | set(ids(folder, ".pending")) if folder.exists() else set()
        assert kept | gone == every, f"lost at point {point}"
        assert not kept & set(ids(folder)) if folder.exists() else True

        prune(folder)

        assert left() == set()
        assert sorted(ids(folder)) == sorted(every), f"lost or doubled at point {point}"
        assert {path.suffix for path in folder.iterdir()} <= {".gz", ".json", ""}
        told = AuditLog.objects.filter(event="audit.archived").values_list("metadata", flat=True)
        files = [facts["file"] for facts in told]
        assert sorted(files) == sorted({manifest["file"] for manifest in manifests(folder)})
        AuditLog.objects.all()._raw_delete("default")
        point += 1
    assert (status, err) == (0, "")
    assert point > 10
