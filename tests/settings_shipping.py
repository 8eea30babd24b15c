"""Settings of a project whose sinks the environment names, as JSON."""

import json
import os

from tests.settings import *  # noqa: F403

AUTHAUDIT_SINKS = {
    "database": {"BACKEND": "django_authaudit.sinks.database.DatabaseSink"},
    **json.loads(os.environ["AUDIT_SINKS"]),
}
