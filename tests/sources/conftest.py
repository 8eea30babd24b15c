"""What all tests of sources share: accounts, clients, the log, and two promises checked after
each test: no error was swallowed, and no secret that was used is anywhere in the log."""

import os
import re
from pathlib import Path

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import get_user_model
from django.core import mail
from django.db.models import signals
from django.test import AsyncClient, Client

from django_authaudit import guard, spool
from django_authaudit.models import AuditLog
from tests.sources.recorded import NEW, PASSWORD, WRONG, Log

TESTS = Path(__file__).parent.parent
# A test module that has settings of its name is run with them, by test_other_settings.py.
SETTINGS = {
    path.name: f"tests.settings_{path.stem.removeprefix('test_')}"
    for path in sorted(Path(__file__).parent.glob("test_*.py"))
    if (TESTS / f"settings_{path.stem.removeprefix('test_')}.py").exists()
}
RESET_LINK = re.compile(r"/reset/[^/\s]+/([^/\s]+)/")


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    needed = SETTINGS.get(collection_path.name)
    return True if needed and needed != os.environ["DJANGO_SETTINGS_MODULE"] else None


class Secrets(set):
    """The secrets that a test has used; what is too short to be one is no proof."""

    def learn(self, *values):
        self.update(str(value) for value in values if value and len(str(value)) >= 8)

    def learn_cookies(self, client):
        self.learn(
            *(client.cookies[n].value for n in ("sessionid", "csrftoken") if n in client.cookies)
        )


class Browser(Client):
    """Django's client; what its cookies hold counts as secret."""

    def __init__(self, secrets, **options):
        super().__init__(raise_request_exception=False, **options)
        self.secrets = secrets

    def request(self, **request):
        try:
            return super().request(**request)
        finally:
            self.secrets.learn_cookies(self)


class AsyncBrowser:
    """Django's async client, run in a loop of its own, so that a test sees one database."""

    def __init__(self, secrets, **options):
        self.client = AsyncClient(raise_request_exception=False, **options)
        self.secrets = secrets

    def _call(self, name, *args, **options):
        try:
            return async_to_sync(getattr(self.client, name))(*args, **options)
        finally:
            self.secrets.learn_cookies(self.client)

    def get(self, *args, **options):
        return self._call("get", *args, **options)

    def post(self, *args, **options):
        return self._call("post", *args, **options)

    def force_login(self, user):
        self._call("aforce_login", user)


@pytest.fixture(autouse=True)
def secrets(db):
    secrets = Secrets({PASSWORD, WRONG, NEW})

    def on_saved(instance, **kwargs):
        secrets.learn(getattr(instance, "password", ""), getattr(instance, "session_key", ""))

    signals.post_save.connect(on_saved)
    yield secrets
    signals.post_save.disconnect(on_saved)
    for message in mail.outbox:
        secrets.learn(*RESET_LINK.findall(message.body))
    columns = [field.attname for field in AuditLog._meta.concrete_fields]
    rows = AuditLog.objects.values_list(*columns)
    assert not [(secret, row) for row in rows for secret in secrets if secret in repr(row)]


@pytest.fixture(autouse=True)
def smooth(settings, tmp_path):
    """Fail a test in which the audit log had to swallow an error or to spool an entry."""
    settings.AUTHAUDIT_SPOOL_DIR = str(tmp_path / "spool")
    before = guard.failures.copy()
    yield
    assert guard.failures - before == {}
    assert not spool.waiting("default")


@pytest.fixture
def log(db):
    log = Log()
    log.forget()
    return log


@pytest.fixture
def client(secrets):
    return Browser(secrets)


@pytest.fixture
def async_client(secrets):
    return AsyncBrowser(secrets)


@pytest.fixture
def bob(log):
    user = get_user_model().objects.create_user("bob", "bob@example.org", PASSWORD)
    log.forget()
    return user


@pytest.fixture
def alice(log):
    user = get_user_model().objects.create_user("alice", "alice@example.org", PASSWORD)
    log.forget()
    return user


@pytest.fixture
def root(log):
    user = get_user_model().objects.create_superuser("root", "root@example.org", PASSWORD)
    log.forget()
    return user


@pytest.fixture
def as_root(secrets, root, log):
    browser = Browser(secrets)
    browser.force_login(root)
    log.forget()
    return browser


@pytest.fixture
def as_bob(secrets, bob, log):
    browser = Browser(secrets)
    browser.force_login(bob)
    log.forget()
    return browser
