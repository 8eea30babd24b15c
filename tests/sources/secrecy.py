"""A search of everything that the audit log writes for the secrets that a test has used."""

import logging
import re

from django.apps import apps
from django.core import mail
from django.db import connections

from django_authaudit import signals, spool
from django_authaudit.sinks.database import write_alias
from tests.sources.recorded import NEW, PASSWORD, WRONG

RESET_LINK = re.compile(r"/reset/[^/\s]+/([^/\s]+)/")
# What a model calls it, whichever package it is of.
COLUMNS = (
    *("password", "session_key", "key", "token", "digest", "secret", "hashed_key"),
    *("client_secret", "code", "code_challenge", "device_code", "user_code"),
)
OURS = logging.getLogger("django_authaudit")
# What these log themselves, with us or without: the path and the Referer of what is refused, and
# all that an identity provider says of a person.
THEIRS = ("django.request", "django.security.csrf", "djangosaml2", "saml2")


class Secrets(set):
    """The secrets that a test has used; what is too short to be one is no proof."""

    def __init__(self):
        super().__init__({PASSWORD, WRONG, NEW})

    def learn(self, *values):
        self.update(str(value) for value in values if value and len(str(value)) >= 8)

    def learn_columns(self, instance):
        self.learn(*(getattr(instance, name, "") for name in COLUMNS))

    def learn_cookies(self, client):
        self.learn(
            *(client.cookies[n].value for n in ("sessionid", "csrftoken") if n in client.cookies)
        )

    def learn_mails(self):
        for message in mail.outbox:
            self.learn(*RESET_LINK.findall(message.body))

    def found_in(self, texts):
        return [(secret, text) for text in texts for secret in self if secret in text]


class Search(logging.Handler):
    """Sees, while it is open, every entry that is recorded and everything that is logged."""

    def __init__(self):
        super().__init__(logging.DEBUG)
        self.entries, self.logged = [], []

    def __enter__(self):
        signals.entry_recorded.connect(self.on_recorded)
        logging.getLogger().addHandler(self)
        OURS.setLevel(logging.DEBUG)
        return self

    def __exit__(self, *details):
        signals.entry_recorded.disconnect(self.on_recorded)
        logging.getLogger().removeHandler(self)
        OURS.setLevel(logging.NOTSET)

    def on_recorded(self, entry, **kwargs):
        self.entries.append(entry)

    def emit(self, record):
        if not record.name.startswith(THEIRS):
            self.logged.append(self.format(record))

    def texts(self):
        """Yield what is in the tables of the log, in its spool and in the output of all loggers.

        Everything that was recorded is spooled first, as it is when the database refuses.
        """
        yield from rows()
        spool.append("default", self.entries)
        for path in spool.folder("default").iterdir():
            yield path.read_text()
            path.unlink()
        yield from self.logged


def rows():
    """Yield the rows of the log's own tables, as they are stored; what others store is theirs."""
    with connections[write_alias()].cursor() as cursor:
        for model in apps.get_app_config("django_authaudit").get_models():
            cursor.execute(f"SELECT * FROM {model._meta.db_table}")
            yield from map(repr, cursor.fetchall())
