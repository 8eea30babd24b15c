"""The search that ends each test of a source finds a secret wherever it was written."""

import logging

from django_authaudit import record
from tests.sources.secrecy import Search, Secrets

SECRET = "planted-where-none-may-be"


def found(search):
    secrets = Secrets()
    secrets.learn(SECRET)
    return secrets.found_in(search.texts())


def test_a_secret_in_an_entry_is_found_in_the_database_and_in_the_spool(secrets):
    with Search() as search:
        record("auth.logout", metadata={"note": f"it is {SECRET}"})

    row, spooled = found(search)
    assert "auth.logout" in row[1]
    assert '"database":' in spooled[1]


def test_a_secret_in_what_is_logged_is_found_at_any_level(secrets):
    with Search() as search:
        logging.getLogger("django_authaudit").debug("it is %s", SECRET)
        logging.getLogger("another.package").warning("it is %s", SECRET)

    assert len(found(search)) == 2


def test_a_secret_in_an_error_is_found_in_its_traceback(secrets):
    with Search() as search:
        try:
            raise ValueError(SECRET)
        except ValueError:
            logging.getLogger("django_authaudit").exception("failed")

    assert len(found(search)) == 1


def test_what_was_not_written_is_not_found(secrets):
    with Search() as search:
        record("auth.logout")

    assert found(search) == []
