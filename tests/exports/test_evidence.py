"""A bundle that holds is found to hold by Python alone; whatever is done to it is named."""

import json
import subprocess
import sys
import zipfile
from dataclasses import replace

import pytest
from django.core.management import CommandError
from django.db import connection

from django_authaudit.integrity import erasures, prunes, seals, writers
from django_authaudit.models import AuditLog, AuditSeal, SealedRun
from tests.exports.bundles import ANOTHER, UNSIGNED, Bundle, pem, public_pem, with_true_leaf
from tests.integrity.log import add, change, delete, place, seal, sql
from tests.management.rows import row_at

pytestmark = pytest.mark.django_db

HOLDS = "Everything holds."


@pytest.fixture(autouse=True)
def seal_key(settings):
    settings.AUTHAUDIT_SEAL_KEY = pem()


@pytest.fixture
def log(db):
    """Store a log of two writers and two seals, and return its entries by writer."""
    first, second = writers.Writer(), writers.Writer()
    entries = [
        add(5, first, username="bob"),
        add(4, second, username="ann", event="authz.forbidden"),
    ]
    seal()
    entries[0] += add(3, first, username="bob", metadata={"reason": "ü\n"})
    seal()
    return entries


@pytest.fixture
def bundle(log, tmp_path):
    return Bundle.of(tmp_path)


def names(entry):
    return f"writer {entry['writer']}, entry {entry['sequence']}"


# --- what holds


def test_a_bundle_holds_for_an_auditor_who_has_python_and_the_public_key(bundle):
    status, lines = bundle.verify_alone()

    assert (status, lines[-1]) == (0, HOLDS)
    assert bundle.verify() == (status, lines)
    assert lines[0].startswith("Seals: 2. Entries shown: 12, of which erased: 0, ")


def test_a_bundle_need_not_be_unpacked(bundle):
    status, lines = bundle.verify(place=bundle.archive)

    assert (status, lines[-1]) == (0, HOLDS)


def test_the_verifier_imports_nothing_but_the_standard_library(bundle):
    text = (bundle.folder / "verify_bundle.py").read_text("utf-8")
    imported = [
        line.split()[1].split(".")[0]
        for line in text.splitlines()
        if line.startswith(("import ", "from "))
    ]

    assert set(imported) <= sys.stdlib_module_names | {"__future__"}


def test_checksums_can_be_checked_by_the_usual_tool(bundle):
    done = subprocess.run(
        ["sha256sum", "-c", "SHA256SUMS"], cwd=bundle.folder, capture_output=True, text=True
    )

    assert (done.returncode, done.stdout.count(": OK")) == (0, 4)


def test_the_manifest_says_what_was_asked_for_and_how_much_there_is(log, tmp_path):
    manifest = Bundle.of(tmp_path, "--event=authz").manifest()

    assert manifest["selection"] == {"event": "authz"}
    assert manifest["complete"] is False
    assert (manifest["shown"], manifest["withheld"], manifest["seals"]) == (4, 0, 2)
    assert Bundle(tmp_path).verify()[0] == 0


def test_entries_that_were_not_asked_for_show_nothing_but_their_leaf(log, tmp_path):
    log[0] += add(1, None, username="mallory")
    writer = writers.Writer()
    add(2, writer, username="bob")
    add(2, writer, username="mallory")
    seal()

    bundle = Bundle.of(tmp_path, "--user=mallory")

    text = "".join(bundle.lines("entries.jsonl"))
    assert "bob" not in text
    assert (bundle.manifest()["shown"], bundle.manifest()["withheld"]) == (3, 2)
    status, lines = bundle.verify()
    assert (status, lines[-1]) == (0, HOLDS)
    assert "runs of which none is shown: 3" in lines[-2]


def test_entries_that_no_seal_covers_yet_are_counted(log, tmp_path):
    add(2)

    status, lines = Bundle.of(tmp_path).verify()

    assert (status, lines[-1]) == (0, HOLDS)
    assert "not sealed when the bundle was made: 2" in lines[0]


def test_entries_that_were_not_asked_for_and_have_no_seal_are_left_out(log, tmp_path):
    add(2, username="bob")
    add(1, username="mallory")

    bundle = Bundle.of(tmp_path, "--user=mallory")

    assert [entry["username"] for entry in bundle.entries()] == ["mallory"]
    assert bundle.verify()[0] == 0


def test_what_was_pruned_is_vouched_for_by_its_seal(log, tmp_path):
    gone = log[0][1:3]
    delete(*gone)
    prunes.record(map(place, gone), using="default")

    status, lines = Bundle.of(tmp_path).verify()

    assert (status, lines[-1]) == (0, HOLDS)
    assert "Entries shown: 10" in lines[0]


def test_a_run_that_was_pruned_as_a_whole_is_not_missed(log, tmp_path):
    delete(*log[1])
    prunes.record(map(place, log[1]), using="default")

    status, lines = Bundle.of(tmp_path).verify()

    assert (status, lines[-1]) == (0, HOLDS)


def test_a_run_that_was_pruned_bit_by_bit_is_not_missed(log, tmp_path):
    for gone in (log[1][:2], log[1][2:]):
        delete(*gone)
        prunes.record(map(place, gone), using="default")

    status, lines = Bundle.of(tmp_path).verify()

    assert (status, lines[-1]) == (0, HOLDS)


def test_what_was_deleted_beside_what_was_pruned_is_named(log, tmp_path):
    delete(*log[1])
    prunes.record(map(place, log[1][:3]), using="default")

    [problem] = Bundle.of(tmp_path).wrong()

    assert problem.endswith("in seal 1: entries are missing: 4")


def erase(entry):
    after = erasures.seal_remains(entry, replace(entry, username="", salt=""))
    for column in ("username", "salt", "signature"):
        change(entry, column, getattr(after, column))


def test_what_was_erased_is_vouched_for_by_its_seal(log, tmp_path):
    entry = stored(log[0][1])
    erase(entry)
    erasures.record([place(entry)], using="default")

    status, lines = Bundle.of(tmp_path).verify()

    assert (status, lines[-1]) == (0, HOLDS)
    assert "of which erased: 1" in lines[0]


def stored(entry):
    return next(found for found in AuditLog.objects.all().entries() if found.id == entry.id)


def test_an_erasure_that_no_seal_names_is_an_edit(log, tmp_path):
    erase(stored(log[0][1]))

    [problem] = Bundle.of(tmp_path).wrong()

    assert "does not say what it said when it was sealed" in problem


# --- what was done to the log before the export


def test_an_edited_row_is_named(log, tmp_path):
    change(log[0][1], "username", "mallory")

    [problem] = Bundle.of(tmp_path).wrong()

    assert f"(writer {log[0][1].writer}, entry 2): it does not say" in problem


def test_a_deleted_row_is_named(log, tmp_path):
    delete(log[1][2])

    [problem] = Bundle.of(tmp_path).wrong()

    assert problem.startswith(f"writer {log[1][2].writer}, entries 1 to 4, in seal 1")
    assert problem.endswith("entries are missing: 3")


def test_a_run_that_was_deleted_as_a_whole_is_named(log, tmp_path):
    delete(*log[1])

    [problem] = Bundle.of(tmp_path).wrong()

    assert problem.endswith("entries are missing: 1, 2, 3, 4")


def test_a_row_by_no_recorder_is_named(log, tmp_path):
    row_at(AuditLog.objects.latest("pk").created_at).save()

    assert Bundle.of(tmp_path).wrong()[0].startswith("line 1 of entries.jsonl: it cannot be read")


def test_a_row_whose_number_is_none_is_named(log, tmp_path):
    if connection.vendor != "sqlite":
        pytest.skip("the other databases refuse it")
    change(log[0][1], "sequence", "two")

    problems = Bundle.of(tmp_path).wrong()

    assert any("entries are missing: 2" in problem for problem in problems)
    assert any("it cannot be read" in problem for problem in problems)


# --- what is done to the bundle


def test_an_edited_line_is_named_whatever_is_covered_up(bundle):
    entries = bundle.entries()
    entries[2]["username"] = "mallory"
    bundle.change_entries(entries)

    [problem] = bundle.wrong()

    assert bundle.verify_alone() == bundle.verify()
    assert problem.startswith(f"line 3 of entries.jsonl ({names(entries[2])}): it does not say")


def test_an_edited_line_with_a_leaf_that_fits_is_found_by_its_seal(bundle):
    entries = bundle.entries()
    entries[2] = with_true_leaf({**entries[2], "username": "mallory"})
    bundle.change_entries(entries)

    [problem] = bundle.wrong()

    assert problem.endswith("its entries are not those that were sealed")
    assert entries[2]["writer"] in problem


@pytest.mark.parametrize("number", range(12))
def test_every_removed_line_is_named(bundle, number):
    entries = bundle.entries()
    gone = entries.pop(number)
    bundle.change_entries(entries)

    [problem] = bundle.wrong()

    assert f"writer {gone['writer']}" in problem
    assert problem.endswith(f"entries are missing: {gone['sequence']}")


def test_a_doubled_line_is_named(bundle):
    entries = bundle.entries()
    entries.insert(3, entries[2])
    bundle.change_entries(entries)

    assert "it is doubled, or out of order" in bundle.wrong()[0]


def test_two_lines_in_the_wrong_order_are_named(bundle):
    entries = bundle.entries()
    entries[1], entries[2] = entries[2], entries[1]
    bundle.change_entries(entries)

    assert any("out of order" in problem for problem in bundle.wrong())


def test_a_writer_in_two_places_is_named(bundle):
    entries = bundle.entries()
    bundle.change_entries([*entries[1:], entries[0]])

    assert any("does not stand with the others" in problem for problem in bundle.wrong())


def test_an_added_line_is_not_passed_off_as_one_that_awaits_its_seal(bundle):
    forged = with_true_leaf({**bundle.entries()[0], "sequence": 99, "username": "mallory"})
    text = json.dumps(forged) + "\n"
    with (bundle.folder / "entries.jsonl").open("a") as file:
        file.write(text)

    assert "entries.jsonl: it is not the file that the manifest tells of" in bundle.wrong()


@pytest.mark.parametrize("signature", [None, 5, "no digits", "00"])
def test_a_manifest_with_a_signature_that_is_none_is_named(bundle, signature):
    bundle.edit_manifest(signature=signature)

    assert UNSIGNED in bundle.verify()[1][0]


def test_an_edited_manifest_is_named(bundle):
    manifest = {**bundle.manifest(), "service": "another"}
    (bundle.folder / "manifest.json").write_text(json.dumps(manifest))

    assert bundle.wrong() == [UNSIGNED, "SHA256SUMS: its sums are not those of the manifest"]


def test_a_manifest_whose_signature_was_taken_away_is_named(bundle):
    bundle.edit_manifest(signature="")

    assert UNSIGNED in bundle.verify()[1][0]


def test_a_selection_is_not_passed_off_as_the_whole_log(log, tmp_path):
    bundle = Bundle.of(tmp_path, "--event=authz")
    bundle.edit_manifest(complete=True)

    assert any("entries are missing: 1, 2, 3, 4, 5" in problem for problem in bundle.wrong())


def seal_lines(bundle):
    return [json.loads(line) for line in bundle.lines("seals.jsonl")]


def change_seals(bundle, found):
    bundle.change("seals.jsonl", [json.dumps(seal) for seal in found])
    bundle.edit_manifest(seals=len(found))


def test_two_swapped_seals_are_named(bundle):
    change_seals(bundle, seal_lines(bundle)[::-1])

    problems = bundle.wrong()

    assert "seal 1: seal 2 stands in its place" in problems
    assert "seal 2: seal 1 stands in its place" in problems


def test_a_removed_seal_is_named(bundle):
    change_seals(bundle, seal_lines(bundle)[1:])

    assert "seal 1: seal 2 stands in its place" in bundle.wrong()


def test_an_edited_seal_is_named(bundle):
    found = seal_lines(bundle)
    found[0]["statement"] = found[0]["statement"].replace('"count":9', '"count":8')
    change_seals(bundle, found)

    assert {"seal 1: its signature is wrong", "seal 2: it does not follow the one before it"} <= {
        *bundle.wrong()
    }


def test_an_edited_seal_without_a_signature_is_named_by_the_next_one(bundle):
    found = seal_lines(bundle)
    found[0]["statement"] = found[0]["statement"].replace('"count":9', '"count":8')
    found[0]["public_signature"] = ""
    change_seals(bundle, found)

    assert bundle.wrong() == ["seal 2: it does not follow the one before it"]


def test_a_last_seal_without_a_signature_is_named(bundle):
    found = seal_lines(bundle)
    found[-1]["public_signature"] = ""
    change_seals(bundle, found)

    assert bundle.wrong() == ["seal 2: the last one is not signed"]


def test_a_run_that_is_not_the_seal_s_is_named(bundle):
    found = seal_lines(bundle)
    found[1]["runs"] = found[0]["runs"]
    change_seals(bundle, found)

    assert "seal 2: its runs are not those that it was made of" in bundle.wrong()


def test_leaves_of_pruned_entries_that_were_edited_are_named(log, tmp_path):
    delete(log[0][1])
    prunes.record([place(log[0][1])], using="default")
    bundle = Bundle.of(tmp_path)
    found = seal_lines(bundle)
    found[-1]["runs"][0]["leaves"] = "0" * 64
    change_seals(bundle, found)

    assert any("its leaves are not those that were sealed" in line for line in bundle.wrong())


def test_leaves_of_pruned_entries_that_were_taken_away_are_missed(log, tmp_path):
    delete(log[0][1])
    prunes.record([place(log[0][1])], using="default")
    bundle = Bundle.of(tmp_path)
    found = seal_lines(bundle)
    found[-1]["runs"][0]["leaves"] = ""
    change_seals(bundle, found)

    [problem] = bundle.wrong()

    assert problem.endswith("the leaves of its pruned entries are missing")


def test_a_line_that_is_no_seal_is_named(bundle):
    bundle.change("seals.jsonl", ["{}", *bundle.lines("seals.jsonl")[1:]])

    assert bundle.wrong()[0].startswith("seal 1: it cannot be read")


@pytest.mark.parametrize(
    "line",
    ["{", "[]", '{"leaf": 1}', '{"a": 1, "a": 1}', '{"a": 1.5}', '{"leaf": "%s"}' % ("0" * 64)],
)
def test_a_line_that_is_no_entry_is_named(bundle, line):
    bundle.change("entries.jsonl", [*bundle.lines("entries.jsonl"), line])

    assert bundle.wrong() == [
        problem
        for problem in bundle.wrong()
        if problem.startswith("line 13 of entries.jsonl: it cannot")
    ]


def test_a_lone_surrogate_is_an_edit(bundle):
    lines = bundle.lines("entries.jsonl")
    lines[0] = lines[0].replace("auth.logout", "\\ud800").replace("authz.forbidden", "\\ud800")
    bundle.change("entries.jsonl", lines)

    assert "it does not say what it said" in bundle.wrong()[0]


def test_what_stands_in_a_bundle_is_no_command_to_a_terminal(bundle):
    bundle.change("entries.jsonl", [*bundle.lines("entries.jsonl"), '{"leaf":"\\u001b[2J"}'])

    assert all("\x1b" not in problem for problem in bundle.wrong())


@pytest.mark.parametrize("name", ["manifest.json", "seals.jsonl", "entries.jsonl"])
def test_a_missing_file_is_named(bundle, name):
    (bundle.folder / name).unlink()

    assert any(name in problem for problem in bundle.wrong())


@pytest.mark.parametrize("name", ["more.jsonl", "entries.jsonl", "SHA256SUMS"])
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_what_was_put_beside_the_files_of_a_bundle_is_named(bundle, tmp_path, name):
    packed = tmp_path / "packed.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(name, "forged")
        for path in bundle.folder.iterdir():
            archive.write(path, path.name)

    said = "the manifest tells of no such file" if name == "more.jsonl" else "it is there twice"
    (problem,) = bundle.wrong(place=packed)
    assert problem.startswith(f"{name}: {said}")


def test_edited_sums_are_named(bundle):
    bundle.change("SHA256SUMS", ["0" * 64 + "  entries.jsonl"], cover_up=False)

    assert bundle.wrong() == ["SHA256SUMS: its sums are not those of the manifest"]


def test_a_byte_that_changed_anywhere_in_the_files_ends_in_no_traceback(bundle, tmp_path):
    data = bundle.archive.read_bytes()
    with zipfile.ZipFile(bundle.archive) as archive:
        headers = [info.header_offset for info in archive.infolist()]
    damaged = tmp_path / "damaged.zip"
    for header in headers:
        before = sum(data[header + 26 : header + 30 : 2])
        for at in range(header + 30 + before, header + 70 + before):
            damaged.write_bytes(data[:at] + bytes([data[at] ^ 65]) + data[at + 1 :])
            assert bundle.wrong(place=damaged)


@pytest.mark.parametrize("name", ["entries.jsonl", "seals.jsonl"])
@pytest.mark.parametrize("line", ["[" * 200_000, '{"leaf": NaN}'])
def test_a_line_that_no_reader_would_take_is_named_and_the_rest_is_read(bundle, name, line):
    bundle.change(name, [*bundle.lines(name), line])

    assert any("it cannot be read: ValueError" in problem for problem in bundle.wrong())


@pytest.mark.parametrize("part", [0.1, 0.5, 0.9, 0.999])
def test_a_truncated_bundle_is_named(bundle, tmp_path, part):
    data = bundle.archive.read_bytes()
    cut = tmp_path / "cut.zip"
    cut.write_bytes(data[: int(len(data) * part)])

    assert bundle.wrong(place=cut)[0].startswith("The bundle is damaged or cut off")


def test_entries_cut_off_at_the_end_are_named(bundle):
    bundle.change_entries(bundle.entries()[:-2])

    assert "entries are missing" in bundle.wrong()[0]


def test_another_key_proves_nothing(bundle, tmp_path):
    other = tmp_path / "other.pem"
    other.write_bytes(public_pem(ANOTHER))

    problems = bundle.wrong(key=other)

    assert "seal 1: its signature is wrong" in problems
    assert UNSIGNED in problems


def test_seals_by_two_keys_hold_with_both(log, tmp_path, settings):
    settings.AUTHAUDIT_SEAL_KEY = pem(ANOTHER)
    add(1)
    seal()
    bundle = Bundle.of(tmp_path)
    other = tmp_path / "other.pem"
    other.write_bytes(public_pem(ANOTHER))

    status, lines = bundle.verify(f"--public-key={other}")

    assert (status, lines[-1]) == (0, HOLDS)
    assert bundle.verify()[0] == 1


# --- seals that were kept elsewhere


def anchor(folder, count=None):
    path = folder / "anchor.jsonl"
    kept = [seals.to_line(found) for found in AuditSeal.objects.order_by("number")[:count]]
    path.write_text("".join(f"{line}\n" for line in kept))
    return f"--anchor={path}"


def test_seals_that_were_kept_elsewhere_are_the_same(bundle, tmp_path):
    assert bundle.verify(anchor(tmp_path))[0] == 0


def test_a_log_that_was_cut_off_after_a_seal_was_kept_is_found(bundle, tmp_path):
    add(1)
    seal()

    assert bundle.wrong(anchor(tmp_path)) == ["seal 3: it was kept elsewhere, and is not here"]


def test_a_log_that_was_made_anew_is_found(bundle, tmp_path):
    kept = anchor(tmp_path)
    for table in (AuditLog, SealedRun, AuditSeal):
        sql(f"DELETE FROM {table._meta.db_table}")
    add(3)
    seal()
    seal()
    folder = tmp_path / "new"
    folder.mkdir()

    problems = Bundle.of(folder).wrong(kept)

    assert "seal 1: it is not the one that was kept elsewhere" in problems


# --- what cannot be checked, or made


@pytest.mark.parametrize("text", ["", "nonsense", "ff" * 32, "-----BEGIN X-----\nAAAA\n"])
def test_what_is_no_public_key_is_said(bundle, tmp_path, text):
    other = tmp_path / "other.pem"
    other.write_text(text)

    status, [line] = bundle.verify(key=other)

    assert (status, line) == (2, "The public key is none of Ed25519.")


def test_a_bundle_that_is_not_there_is_said(bundle, tmp_path):
    status, [line] = bundle.verify(place=tmp_path / "nowhere")

    assert (status, line) == (2, f"{tmp_path / 'nowhere'} is not there.")


def test_no_bundle_is_made_without_a_seal_for_others(db, tmp_path, settings):
    add(1)
    with pytest.raises(CommandError, match="The newest seal is not signed for others") as error:
        Bundle.of(tmp_path)
    assert error.value.returncode == 2

    settings.AUTHAUDIT_SEAL_KEY = None
    seal()
    with pytest.raises(CommandError, match="AUTHAUDIT_SEAL_KEY is not set here"):
        Bundle.of(tmp_path)
    settings.AUTHAUDIT_SEAL_KEY = pem()
    with pytest.raises(CommandError, match="The newest seal is not signed for others"):
        Bundle.of(tmp_path)
    assert not (tmp_path / "bundle.zip").exists()


def test_a_key_that_is_none_is_said(log, tmp_path, settings):
    settings.AUTHAUDIT_SEAL_KEY = "none"

    with pytest.raises(CommandError, match="AUTHAUDIT_SEAL_KEY cannot sign the bundle"):
        Bundle.of(tmp_path)


@pytest.mark.parametrize("arguments", [["--gzip"], []])
def test_a_bundle_is_a_file_of_its_own(log, tmp_path, arguments):
    from django.core.management import call_command

    with pytest.raises(CommandError, match="--evidence needs --output"):
        call_command("export_audit_log", "--evidence", *arguments)


def test_a_bundle_leaves_an_entry_that_says_so(bundle):
    facts = AuditLog.objects.get(event="audit.exported").metadata

    assert (facts["format"], facts["count"]) == ("evidence", 12)
    with zipfile.ZipFile(bundle.archive) as archive:
        assert archive.testzip() is None
