"""A log with entries and seals, and ways to tamper with it."""

from django.db import connection

from django_authaudit.entry import make_entry, new_id
from django_authaudit.integrity import sealing, seals, writers
from django_authaudit.models import AuditLog, AuditSeal, SealedRun
from django_authaudit.sinks.database import DatabaseSink

TABLE = AuditLog._meta.db_table
SEALS = AuditSeal._meta.db_table
RUNS = SealedRun._meta.db_table


def make(**values):
    return make_entry(**{"id": new_id(), "event": "auth.logout", "outcome": "success", **values})


def add(count, writer=None, **values):
    """Store `count` entries of one writer, and return them."""
    entries = (writer or writers.Writer()).number([make(**values) for _ in range(count)])
    DatabaseSink().emit(entries)
    return entries


def place(entry):
    return entry.writer, entry.sequence, entry.leaf


def seal(using="default"):
    """Seal the log, and return what each new seal states."""
    return [seals.statement_of(made) for made in sealing.seal(using)]


def runs(kind=AuditSeal.SEALED):
    """Return the runs of all seals of `kind`: writer, first, last."""
    found = SealedRun.objects.filter(seal__kind=kind).order_by("seal", "id")
    return [(run.writer, run.first, run.last) for run in found]


def sql(statement, *values):
    """Change the log behind the back of the package."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def raw(value):
    """Return an id as the database keeps it."""
    return AuditLog._meta.pk.get_db_prep_value(value, connection)


def delete(*entries):
    for entry in entries:
        sql(f"DELETE FROM {TABLE} WHERE id = %s", raw(entry.id))


def change(entry, column, value):
    sql(f"UPDATE {TABLE} SET {column} = %s WHERE id = %s", value, raw(entry.id))
