"""Each mistake in the settings has one message, under one id, with a hint that mends it."""

import os
import re
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.core import checks as django_checks
from django.core.checks import Warning
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.test import modify_settings, override_settings

from django_authaudit import checks, sinks, wraps
from django_authaudit.checks import spool
from django_authaudit.conf import Settings
from django_authaudit.sinks.base import NetworkSink, Sink
from django_authaudit.sinks.database import DatabaseSink

TESTS = Path(__file__)
TEMPORARY = spool.TEMPORARY
FOLDER = Path(checks.__file__).parent
OURS = "django_authaudit.middleware.AuditMiddleware"
DATABASE = {"BACKEND": "django_authaudit.sinks.database.DatabaseSink"}
ROUTED = ["django_authaudit.routers.AuditRouter"]


@pytest.fixture(autouse=True)
def lasting(monkeypatch):
    """Let the folders of the tests count as lasting ones."""
    monkeypatch.setattr(spool, "TEMPORARY", ())
    monkeypatch.delenv("TMPDIR", raising=False)


class Silent(Sink):
    """A sink that fills no table."""

    def emit(self, entries):
        raise NotImplementedError


class Distant(NetworkSink):
    """A sink on another machine."""

    def emit(self, entries):
        raise NotImplementedError


class Choosy(DatabaseSink):
    """A sink that takes an option, and says what it thinks of it."""

    def __init__(self, colour):
        if colour == "unlucky":
            raise ImproperlyConfigured("that colour brings bad luck")
        if colour == "nowhere":
            raise FileNotFoundError("nowhere")
        self.colour = colour

    def check(self):
        if self.colour != "blue":
            yield Warning(f"{self.colour} is no colour for a log.", id="choosy.W001")


def not_a_sink():
    raise NotImplementedError


def path_of(thing):
    return f"{__name__}.{thing.__qualname__}"


def found():
    return django_checks.run_checks(tags=[checks.TAG])


def only(code):
    """Return the one message, which has to be that of `code`."""
    messages = found()
    assert [message.id for message in messages] == [f"django_authaudit.{code}"]
    assert messages[0].hint
    return messages[0]


def test_defaults_pass(settings, monkeypatch):
    del settings.AUTHAUDIT_SPOOL_DIR
    monkeypatch.setenv("XDG_STATE_HOME", str(TESTS.parent / "state"))

    assert found() == []


def test_a_check_makes_no_folder(spool_dir):
    found()

    assert not spool_dir.exists()


def test_a_check_asks_no_database(settings):
    # This test has no permission to query; each check that could be tempted is run.
    settings.AUTHAUDIT_DATABASE = "audit"
    settings.DATABASE_ROUTERS = ROUTED

    assert found() == []


@pytest.mark.django_db(databases=["default", "audit"])  # Django's own checks ask them.
@override_settings(AUTHAUDIT_RETENTION_DAYS=object())
def test_checks_are_bound():
    with pytest.raises(SystemCheckError, match="AUTHAUDIT_RETENTION_DAYS"):
        call_command("check")


@override_settings(AUTHAUDIT_RETENTION_DAYS=object())
def test_checks_are_security_checks():
    with pytest.raises(SystemCheckError, match="AUTHAUDIT_RETENTION_DAYS"):
        call_command("check", tags=["security"])


def test_ids_are_unique_and_each_has_a_test_of_its_name():
    sources = "".join(path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.py")))
    used = re.findall(r'id="django_authaudit\.([EW]\d{3})"', sources)
    tests = "".join(path.read_text() for path in TESTS.parent.glob("test_*.py"))
    tested = re.findall(r"^def test_([ew]\d{3})_", tests, re.MULTILINE)

    assert used
    assert len(used) == len(set(used))
    assert {name.upper() for name in tested} == set(used)


@pytest.mark.parametrize("name", [name for name in dir(Settings) if name.isupper()])
def test_every_setting_of_a_wrong_type_is_an_error_that_names_it(settings, name):
    setattr(settings, name, object())

    errors = [message for message in found() if isinstance(message, django_checks.Error)]

    assert [name in error.msg for error in errors] == [True]


@modify_settings(INSTALLED_APPS={"remove": ["django.contrib.admin", "django.contrib.auth"]})
def test_e001_accounts_are_not_installed():
    assert "'django.contrib.auth'" in only("E001").msg


@pytest.mark.parametrize("value", [{"NAME": "audit", "PASSWORD": "hunter2"}, ["audit"], True])
def test_e002_database_is_no_alias(settings, value):
    settings.AUTHAUDIT_DATABASE = value

    message = only("E002")

    assert "AUTHAUDIT_DATABASE" in message.msg
    assert "hunter2" not in str(message)


def test_e003_database_is_not_configured(settings):
    settings.AUTHAUDIT_DATABASE = "audti"

    message = only("E003")

    assert "AUTHAUDIT_DATABASE is 'audti'" in message.msg
    assert message.hint.endswith("Did you mean 'audit'?")


def test_e004_database_is_not_routed(settings):
    settings.AUTHAUDIT_DATABASE = "audit"

    assert "django_authaudit.routers.AuditRouter" in only("E004").hint

    settings.DATABASE_ROUTERS = ROUTED
    assert found() == []


class EverythingToDefault:
    """A router that answers for every app."""

    def db_for_write(self, model, **hints):
        return "default"


def test_e004_another_router_answers_first(settings):
    settings.AUTHAUDIT_DATABASE = "audit"
    settings.DATABASE_ROUTERS = [path_of(EverythingToDefault), *ROUTED]

    only("E004")


def test_the_default_database_by_name_needs_no_router(settings):
    settings.AUTHAUDIT_DATABASE = "default"

    assert found() == []


@pytest.mark.parametrize("value", ["90", 0, -1, True, 90.0, None])
def test_e005_retention_is_no_number(settings, value):
    settings.AUTHAUDIT_RETENTION_DAYS = value
    settings.AUTHAUDIT_MINIMUM_RETENTION_DAYS = 0

    assert "AUTHAUDIT_RETENTION_DAYS is " in next(m.msg for m in found() if "E005" in m.id)


@pytest.mark.parametrize("value", ["1", -1, False, None])
def test_e006_minimum_is_no_number(settings, value):
    settings.AUTHAUDIT_MINIMUM_RETENTION_DAYS = value

    assert f"AUTHAUDIT_MINIMUM_RETENTION_DAYS is {value!r}" in only("E006").msg


def test_e007_retention_is_under_the_minimum(settings):
    settings.AUTHAUDIT_RETENTION_DAYS = 100
    settings.AUTHAUDIT_MINIMUM_RETENTION_DAYS = 365

    assert "100, less than AUTHAUDIT_MINIMUM_RETENTION_DAYS, which is 365" in only("E007").msg


@pytest.mark.parametrize("value", ["False", 1, None])
def test_e008_queryset_updates_is_no_switch(settings, value):
    settings.AUTHAUDIT_TRACK_QUERYSET_UPDATES = value

    assert f"AUTHAUDIT_TRACK_QUERYSET_UPDATES is {value!r}" in only("E008").msg


@pytest.mark.parametrize("value", [5, b"/var/spool", ["/var/spool"]])
def test_e009_spool_is_no_path(settings, value):
    settings.AUTHAUDIT_SPOOL_DIR = value

    assert f"AUTHAUDIT_SPOOL_DIR is {value!r}" in only("E009").msg


def test_a_spool_may_be_a_path(settings, tmp_path):
    settings.AUTHAUDIT_SPOOL_DIR = tmp_path / "spool"

    assert found() == []


@pytest.mark.parametrize("value", ["", "  ", 5, ["shop"]])
def test_e014_service_has_no_name(settings, value):
    settings.AUTHAUDIT_SERVICE_NAME = value

    assert f"AUTHAUDIT_SERVICE_NAME is {value!r}" in only("E014").msg


def test_a_service_may_have_a_name(settings):
    settings.AUTHAUDIT_SERVICE_NAME = "shop"

    assert found() == []


@pytest.mark.parametrize("value", ["10.0.0.0/8", "unix", 10, None, [10], [None]])
def test_e010_proxies_are_no_list_of_strings(settings, value):
    settings.AUTHAUDIT_TRUSTED_PROXIES = value

    assert f"AUTHAUDIT_TRUSTED_PROXIES is {value!r}" in only("E010").msg


@pytest.mark.parametrize(
    "value", ["proxy.example.com", "10.0.0.0/33", "10.0.0.1:80", "*", "", " 10.0.0.1"]
)
def test_e011_proxy_is_no_network(settings, value):
    settings.AUTHAUDIT_TRUSTED_PROXIES = ["192.0.2.7", value]

    assert f"holds {value!r}" in only("E011").msg


@pytest.mark.parametrize("kind", [list, tuple, set, frozenset])
def test_proxies_are_networks_addresses_and_unix(settings, kind):
    settings.AUTHAUDIT_TRUSTED_PROXIES = kind(
        ["unix", "192.0.2.7", "10.0.0.0/8", "fd00::/8", "fc00::/7", "::1"]
    )

    assert found() == []


def test_e012_spool_is_below_a_file(settings, tmp_path):
    (tmp_path / "file").touch()
    settings.AUTHAUDIT_SPOOL_DIR = str(tmp_path / "file" / "spool")

    assert f"{str(tmp_path / 'file')!r} is a file" in only("E012").msg


def test_e013_spool_is_open_to_others(spool_dir):
    spool_dir.mkdir()
    spool_dir.chmod(0o770)

    assert str(spool_dir) in only("E013").msg

    spool_dir.chmod(0o755)
    assert found() == []


@pytest.mark.parametrize("value", [{}, "secret", ["secret"], {"a:b": "secret"}, {"a": None}])
def test_e030_signing_keys_are_no_named_secrets(settings, value):
    settings.AUTHAUDIT_SIGNING_KEYS = value

    message = only("E030")

    assert "derived of SECRET_KEY" in message.msg
    assert "secret'" not in str(message)


@pytest.mark.parametrize("value", ["secret", 5, b"bytes"])
def test_e031_seal_key_is_none(settings, value):
    settings.AUTHAUDIT_SEAL_KEY = value

    message = only("E031")

    assert "AUTHAUDIT_SEAL_KEY cannot be used" in message.msg
    assert "secret" not in str(message)


@pytest.mark.parametrize("value", ["25", 0, True, 2.5, None])
def test_e032_seal_hours_are_no_number(settings, value):
    settings.AUTHAUDIT_SEAL_HOURS = value

    assert f"AUTHAUDIT_SEAL_HOURS is {value!r}" in only("E032").msg


@pytest.mark.parametrize("value", [["database"], "database", None, 5])
def test_e101_sinks_are_no_dict(settings, value):
    settings.AUTHAUDIT_SINKS = value

    assert "AUTHAUDIT_SINKS is of type" in only("E101").msg


@pytest.mark.parametrize("config", [DATABASE["BACKEND"], {}, {"BACKEND": Silent}, None])
def test_e102_sink_names_no_backend(settings, config):
    settings.AUTHAUDIT_SINKS = {"database": DATABASE, "other": config}

    assert "AUTHAUDIT_SINKS['other']" in only("E102").msg


def test_e103_sink_has_an_unknown_key(settings):
    settings.AUTHAUDIT_SINKS = {"database": {**DATABASE, "OPTION": {}}}

    message = only("E103")

    assert "AUTHAUDIT_SINKS['database'] has the key 'OPTION'" in message.msg
    assert message.hint.endswith("Did you mean 'OPTIONS'?")


@pytest.mark.parametrize("options", [None, "secret", ["secret"]])
def test_e104_options_are_no_dict(settings, options):
    settings.AUTHAUDIT_SINKS = {"database": {**DATABASE, "OPTIONS": options}}

    message = only("E104")

    assert "AUTHAUDIT_SINKS['database']['OPTIONS'] is of type" in message.msg
    assert "secret" not in str(message)


@pytest.mark.parametrize("path", ["nowhere.Sink", "DatabaseSink", f"{__name__}.Gone"])
def test_e105_backend_cannot_be_imported(settings, path):
    settings.AUTHAUDIT_SINKS = {"other": {"BACKEND": path}, "database": DATABASE}

    assert f"AUTHAUDIT_SINKS['other']['BACKEND'] is {path!r}" in only("E105").msg


@pytest.mark.parametrize("thing", [not_a_sink, EverythingToDefault])
def test_e106_backend_is_no_sink(settings, thing):
    settings.AUTHAUDIT_SINKS = {"other": {"BACKEND": path_of(thing)}, "database": DATABASE}

    assert path_of(thing) in only("E106").msg


@pytest.mark.parametrize(
    "options", [{}, {"color": "blue"}, {"colour": "unlucky"}, {"colour": "nowhere"}]
)
def test_e107_sink_refuses_its_options(settings, options):
    settings.AUTHAUDIT_SINKS = {"choosy": {"BACKEND": path_of(Choosy), "OPTIONS": options}}

    message = only("E107")

    assert "AUTHAUDIT_SINKS['choosy']" in message.msg
    assert path_of(Choosy) in message.hint


def test_a_sink_checks_itself(settings):
    settings.AUTHAUDIT_SINKS = {
        "choosy": {"BACKEND": path_of(Choosy), "OPTIONS": {"colour": "red"}}
    }

    assert [message.id for message in found()] == ["choosy.W001"]


def test_a_check_makes_no_sink_that_stays(settings):
    settings.AUTHAUDIT_SINKS = {
        "choosy": {"BACKEND": path_of(Choosy), "OPTIONS": {"colour": "blue"}}
    }

    assert found() == []
    assert sinks.get_sinks.cache_info().currsize == 0


def test_e108_there_is_no_sink(settings):
    settings.AUTHAUDIT_SINKS = {}

    assert "AUTHAUDIT_SINKS is empty" in only("E108").msg


@pytest.mark.parametrize("value", ["False", 1, None])
def test_e109_in_line_is_neither_true_nor_false(settings, value):
    settings.AUTHAUDIT_SINKS = {"database": {**DATABASE, "IN_LINE": value}}

    messages = [message for message in found() if message.id.endswith("E109")]

    assert f"AUTHAUDIT_SINKS['database']['IN_LINE'] is {value!r}" in messages[0].msg


def test_e110_a_request_would_wait_for_a_network(settings):
    settings.AUTHAUDIT_SINKS = {
        "database": DATABASE,
        "siem": {"BACKEND": path_of(Distant), "IN_LINE": True},
    }

    assert "AUTHAUDIT_SINKS['siem'] is in line" in only("E110").msg


@pytest.mark.parametrize(
    "others", [{}, {"silent": "Silent"}], ids=["nothing in line", "another in line"]
)
def test_e111_there_is_nothing_to_ship(settings, others):
    settings.AUTHAUDIT_SINKS = {"siem": {"BACKEND": path_of(Distant)}} | {
        alias: {"BACKEND": f"{__name__}.{name}"} for alias, name in others.items()
    }

    assert "AUTHAUDIT_SINKS['siem'] is fed by ship_audit_log" in only("E111").msg


def test_e111_the_database_cannot_be_shipped_to_from_itself(settings):
    settings.AUTHAUDIT_SINKS = {"database": {**DATABASE, "IN_LINE": False}}

    assert "AUTHAUDIT_SINKS['database'] is fed by ship_audit_log" in only("E111").msg


def test_sinks_may_be_shipped_to(settings):
    settings.AUTHAUDIT_SINKS = {
        "database": {**DATABASE, "IN_LINE": True},
        "siem": {"BACKEND": path_of(Distant)},
        "silent": {"BACKEND": path_of(Silent), "IN_LINE": False},
    }

    assert found() == []


@pytest.mark.parametrize("value", ["login", 5, ["login", 5], {"login": True}])
def test_e201_sources_are_no_list_of_strings(settings, value):
    settings.AUTHAUDIT_SOURCES = value

    assert f"AUTHAUDIT_SOURCES is {value!r}" in only("E201").msg


def test_e202_source_is_unknown(settings):
    settings.AUTHAUDIT_SOURCES = ["login", "password"]

    message = only("E202")

    assert "'password'" in message.msg
    assert message.hint.endswith("Did you mean 'passwords'?")


def test_e203_source_is_not_installed(settings):
    settings.AUTHAUDIT_SOURCES = ["axes", "login"]

    assert "names 'axes', but INSTALLED_APPS lacks 'axes'" in only("E203").msg


def test_sources_that_are_installed_may_be_named(settings):
    settings.AUTHAUDIT_SOURCES = ("login", "passwords")

    assert found() == []


@modify_settings(MIDDLEWARE={"remove": OURS})
def test_w001_middleware_is_missing():
    assert f"MIDDLEWARE lacks {OURS!r}" in only("W001").msg


@modify_settings(MIDDLEWARE={"remove": OURS})
def test_w001_middleware_that_cannot_be_imported_is_not_ours(settings):
    settings.MIDDLEWARE = ["nowhere.Middleware", path_of(not_a_sink)]

    only("W001")


@modify_settings(
    MIDDLEWARE={"remove": OURS, "append": OURS},
)
def test_w002_middleware_is_not_first():
    message = only("W002")

    assert "'django.middleware.csrf.CsrfViewMiddleware'" in message.msg
    assert repr(OURS) in message.hint


def test_w003_setting_is_unknown(settings):
    settings.AUTHAUDIT_RETENTON_DAYS = 90

    message = only("W003")

    assert "AUTHAUDIT_RETENTON_DAYS" in message.msg
    assert message.hint.endswith("Did you mean 'AUTHAUDIT_RETENTION_DAYS'?")


@pytest.mark.parametrize("value", [90, ["auth."], {"": 30}, {7: 30}, None])
def test_e020_periods_are_no_dict_of_prefixes(settings, value):
    settings.AUTHAUDIT_RETENTION = value

    assert f"AUTHAUDIT_RETENTION is {value!r}" in next(m.msg for m in found() if "E020" in m.id)


@pytest.mark.parametrize(("days", "minimum"), [("30", 1), (0, 0), (True, 1), (-1, 1), (29, 30)])
def test_e021_a_period_is_no_number_or_too_short(settings, days, minimum):
    settings.AUTHAUDIT_RETENTION = {"auth.login.": days, "authz.": 400, "account.": None}
    settings.AUTHAUDIT_MINIMUM_RETENTION_DAYS = minimum

    assert f"AUTHAUDIT_RETENTION['auth.login.'] is {days!r}" in only("E021").msg


def test_w020_a_period_is_for_no_event(settings):
    settings.AUTHAUDIT_RETENTION = {"auth.log": 100, "auth.logout": 100, "auth.logins.": 100}

    message = only("W020")
    assert "AUTHAUDIT_RETENTION['auth.logins.']" in message.msg
    assert message.hint.endswith("Did you mean 'auth.login.'?")


@pytest.mark.parametrize("name", ["AUTH_AUDIT_SINKS", "DJANGO_AUTHAUDIT_SINKS", "AUTHAUDITSINKS"])
def test_w003_prefix_is_misspelt(settings, name):
    setattr(settings, name, {})

    assert only("W003").hint.endswith("Did you mean 'AUTHAUDIT_SINKS'?")


@pytest.mark.parametrize("days", [1, 89])
def test_w004_retention_is_short(settings, days):
    settings.AUTHAUDIT_RETENTION_DAYS = days

    assert f"AUTHAUDIT_RETENTION_DAYS is {days}" in only("W004").msg


@pytest.mark.parametrize("value", ["0.0.0.0/0", "::/0", "128.0.0.0/1", "2000::/3"])
def test_w005_proxies_are_everybody(settings, value):
    settings.AUTHAUDIT_TRUSTED_PROXIES = ["unix", value]

    assert f"holds {value!r}" in only("W005").msg


@pytest.mark.parametrize("way", ["constant", "environment"])
def test_w006_spool_is_temporary(settings, monkeypatch, tmp_path, way):
    if way == "constant":
        monkeypatch.setattr(spool, "TEMPORARY", (str(tmp_path),))
    else:
        monkeypatch.setenv("TMPDIR", str(tmp_path))

    assert str(tmp_path) in only("W006").msg


def test_w006_a_link_into_a_temporary_folder_counts(settings, monkeypatch, tmp_path):
    (tmp_path / "temporary").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "temporary")
    monkeypatch.setattr(spool, "TEMPORARY", (str(tmp_path / "temporary"),))
    settings.AUTHAUDIT_SPOOL_DIR = str(tmp_path / "link")

    only("W006")


def test_the_folder_for_temporary_files_is_known_to_be_one():
    assert str(Path(tempfile.gettempdir())) in (*TEMPORARY, os.environ.get("TMPDIR"))


def test_w007_spool_is_relative(settings, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    settings.AUTHAUDIT_SPOOL_DIR = "spool"

    assert "AUTHAUDIT_SPOOL_DIR is 'spool'" in only("W007").msg


@contextmanager
def rights_of_nobody():
    """Drop the rights of root, if the tests run with them: nothing is forbidden to root."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(before)


def test_w008_spool_is_not_writable(settings, tmp_path):
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    settings.AUTHAUDIT_SPOOL_DIR = str(locked / "spool")

    with rights_of_nobody():
        message = only("W008")

    assert str(locked / "spool") in message.msg


def test_w009_spool_belongs_to_another(spool_dir, monkeypatch):
    spool_dir.mkdir(mode=0o700)
    monkeypatch.setattr(os, "geteuid", lambda: spool_dir.stat().st_uid + 1)

    assert str(spool_dir) in only("W009").msg


def test_w010_a_wrap_does_not_fit(monkeypatch):
    path = "django.contrib.auth.forms.PasswordChangeForm.full_clean"
    monkeypatch.setitem(wraps.WRAPPED, path, "(self, strictly)")

    assert path in only("W010").msg


def test_w011_no_sink_fills_the_table(settings):
    settings.AUTHAUDIT_SINKS = {"silent": {"BACKEND": path_of(Silent)}}

    only("W011")


def test_w012_sources_are_empty(settings):
    settings.AUTHAUDIT_SOURCES = []

    assert "AUTHAUDIT_SOURCES is empty" in only("W012").msg


def test_w030_a_secret_is_short(settings):
    settings.AUTHAUDIT_SIGNING_KEYS = {"new": "n" * 32, "old": "o" * 31}

    message = only("W030")

    assert "AUTHAUDIT_SIGNING_KEYS['old'] has 31 characters" in message.msg
    assert "ooo" not in str(message)
