"""What all tests of sources share: accounts, clients, the log, and two promises checked after
each test: no error was swallowed, and no secret that was used is anywhere in the log."""

import os
from pathlib import Path

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import get_user_model
from django.db.models import signals as model_signals
from django.test import AsyncClient, Client

from django_authaudit import guard, signals, sources, spool
from tests.sources.recorded import PASSWORD, Log
from tests.sources.secrecy import Search, Secrets

TESTS = Path(__file__).parent.parent
# A test module that has settings of its name is run with them, by test_other_settings.py.
SETTINGS = {
    path.name: f"tests.settings_{path.stem.removeprefix('test_')}"
    for path in sorted(Path(__file__).parent.glob("test_*.py"))
    if (TESTS / f"settings_{path.stem.removeprefix('test_')}.py").exists()
}


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    needed = SETTINGS.get(collection_path.name)
    return True if needed and needed != os.environ["DJANGO_SETTINGS_MODULE"] else None


@pytest.fixture(scope="session", autouse=True)
def recorded(request):
    """Hold the table of what each source records to what its tests have seen recorded."""
    seen = set()

    def on_recorded(entry, **kwargs):
        seen.add(entry.event)

    signals.entry_recorded.connect(on_recorded)
    yield
    signals.entry_recorded.disconnect(on_recorded)
    # A part of a module, as `-k` runs it, sees a part of the events.
    if os.environ.get("AUTHAUDIT_WHOLE_MODULE"):
        modules = {item.path.stem.removeprefix("test_") for item in request.session.items}
        known = sources.discover()
        for name in modules & set(known):
            assert set(known[name].records) - seen == set(), f"{name} has not recorded these"
        told = {code for name in sources.selected() for code in known[name].records}
        assert {code for code in seen - told if not code.startswith("audit.")} == set()


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
def secrets(db, spool_dir):
    """Learn the secrets that a test uses, and fail it if one is in anything that we write."""
    secrets = Secrets()

    def on_saved(instance, **kwargs):
        secrets.learn_columns(instance)

    model_signals.post_save.connect(on_saved)
    with Search() as search:
        yield secrets
    model_signals.post_save.disconnect(on_saved)
    secrets.learn_mails()
    assert secrets.found_in(search.texts()) == []


@pytest.fixture(autouse=True)
def smooth(secrets):
    """Fail a test in which the audit log had to swallow an error or to spool an entry."""
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
