"""Run a command, and die by SIGKILL at the step of the number given: a sync, a commit, ..."""

import os
import signal
import sys

import django
from django.core.management import call_command

steps = int(sys.argv[1])


def step(work):
    def dying(*arguments, **options):
        global steps
        steps -= 1
        if steps < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return work(*arguments, **options)

    return dying


django.setup()

from django.db import connection  # noqa: E402

connection.ensure_connection()
connection._commit = step(connection._commit)  # type: ignore[attr-defined]
for name in ("fsync", "rename", "unlink"):
    setattr(os, name, step(getattr(os, name)))
call_command(*sys.argv[2:])
