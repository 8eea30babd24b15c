"""The list as a file."""

import csv
import io
import json
from datetime import timedelta

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import Permission, User
from django.test import AsyncClient

from django_authaudit.admin import export, search
from django_authaudit.models import AuditLog
from tests.admin.conftest import LIST, NOON, names, row, rows, text

pytestmark = pytest.mark.django_db


@pytest.fixture
def exporter(client):
    """Return a client of somebody who may read the log and export it."""
    auditor = User.objects.create_user("auditor", password="right", is_staff=True)
    auditor.user_permissions.set(
        Permission.objects.filter(codename__in=["view_auditlog", "export_auditlog"])
    )
    client.force_login(auditor)
    AuditLog.objects.all()._raw_delete("default")
    return client


def download(client, form="jsonl", query=""):
    response = client.get(f"{LIST}export/{form}/{query}")
    assert response.status_code == 200
    return b"".join(response.streaming_content).decode()


def exported(client, query=""):
    return [json.loads(line)["username"] for line in download(client, "jsonl", query).splitlines()]


def test_json_lines_hold_every_entry_newest_first(exporter):
    rows(3, username="bob")
    row(username="eve", at=NOON + timedelta(minutes=1))
    assert exported(exporter) == ["eve", "bob", "bob", "bob"]


def test_csv_has_a_header_and_neutral_formulas(exporter):
    row(username="=cmd|' /C calc'!A0")
    table = list(csv.DictReader(io.StringIO(download(exporter, "csv"))))
    assert [line["username"] for line in table] == ["'=cmd|' /C calc'!A0"]


def test_only_what_is_filtered_leaves(exporter):
    row("auth.login.failure", username="bob")
    row("auth.logout", username="bob")
    row("auth.login.failure", username="eve")
    assert exported(exporter, "?q=bob&outcome=failure") == ["bob"]


def test_it_has_as_many_entries_as_there_are(exporter, monkeypatch):
    monkeypatch.setattr(export, "_PAGE", 2)
    rows(7, username="bob")
    assert exported(exporter) == ["bob"] * 7


def test_the_list_links_to_what_it_shows(exporter):
    row("auth.login.failure", username="bob")
    page = exporter.get(f"{LIST}?q=bob")
    assert names(page) == ["bob"]
    assert "Export as CSV" in text(page)
    assert 'href="export/jsonl/?q=bob"' in page.content.decode()


def test_it_is_recorded_with_what_was_asked_for(exporter):
    rows(2, username="bob")
    download(exporter, "csv", "?q=bob")
    entry = AuditLog.objects.of_event("audit.exported").get()
    assert (entry.outcome, entry.actor_username) == ("success", "auditor")
    assert entry.metadata["format"] == "csv"
    assert entry.metadata["count"] == 2
    assert entry.metadata["filters"] == {"q": "bob"}
    assert "interrupted" not in entry.metadata


def test_one_that_is_broken_off_is_recorded_as_far_as_it_came(exporter, monkeypatch):
    monkeypatch.setattr(export, "_PAGE", 2)
    rows(5, username="bob")
    response = exporter.get(f"{LIST}export/jsonl/")
    parts = iter(response)
    assert [next(parts).count(b"\n") for _ in range(2)] == [0, 2]
    # As the client of the tests closes it, which keeps the connection open.
    response._iterator.close()
    entry = AuditLog.objects.of_event("audit.exported").get()
    assert entry.metadata["interrupted"] is True
    assert entry.metadata["count"] == 2


@pytest.mark.parametrize("codename", ["view_auditlog", "export_auditlog"])
def test_neither_permission_alone_will_do(client, codename):
    reader = User.objects.create_user("reader", password="right", is_staff=True)
    reader.user_permissions.add(Permission.objects.get(codename=codename))
    client.force_login(reader)
    assert client.get(f"{LIST}export/csv/").status_code == 403
    if codename == "view_auditlog":
        assert "Export" not in text(client.get(LIST))


@pytest.mark.parametrize("form", ["ocsf", "nonsense"])
def test_another_format_is_not_offered(exporter, form):
    assert exporter.get(f"{LIST}export/{form}/").status_code == 404


def test_a_filter_that_makes_no_sense_leads_back_to_the_list(exporter):
    assert exporter.get(f"{LIST}export/csv/?before=nonsense").status_code == 302


def test_a_network_with_too_many_addresses_leads_to_the_list_that_says_so(exporter, monkeypatch):
    monkeypatch.setattr(search, "MOST_ADDRESSES", 2)
    for number in range(3):
        row(ip_address=f"203.0.113.{number}")

    response = exporter.get(f"{LIST}export/csv/?q=203.0.113.0/24")

    assert response["Location"] == f"{LIST}?q=203.0.113.0%2F24"
    assert "More than 2 addresses" in text(exporter.get(response["Location"]))
    assert not AuditLog.objects.filter(event="audit.exported").exists()


def test_it_is_kept_in_no_cache_and_named_by_its_time(exporter):
    response = exporter.get(f"{LIST}export/csv/")
    assert "no-store" in response["Cache-Control"]
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response["Content-Disposition"].startswith('attachment; filename="audit-log-20')


@pytest.mark.django_db(transaction=True)
def test_an_event_loop_sends_it_page_by_page(monkeypatch):
    monkeypatch.setattr(export, "_PAGE", 2)
    auditor = User.objects.create_superuser("root")
    AuditLog.objects.all()._raw_delete("default")
    rows(3, username="bob")

    async def fetch():
        client = AsyncClient()
        await client.aforce_login(auditor)
        response = await client.get(f"{LIST}export/jsonl/?q=bob")
        return [chunk async for chunk in response.streaming_content]

    chunks = async_to_sync(fetch)()
    assert [chunk.count(b"\n") for chunk in chunks] == [0, 2, 1]
    assert AuditLog.objects.of_event("audit.exported").get().metadata["count"] == 3
