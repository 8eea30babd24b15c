"""What a test expects of the log, in the words of the log."""

from __future__ import annotations

from django_authaudit.models import AuditLog

MODEL_BACKEND = "django.contrib.auth.backends.ModelBackend"
PASSWORD = "correct-horse-battery"
WRONG = "Tr0ub4dor-and-three"
NEW = "staple-of-another-kind"


def success(event, **facts):
    """Return an entry of that outcome as `Log.new()` shows it; see `_expected()`."""
    return _expected(event, "success", **facts)


def failure(event, **facts):
    return _expected(event, "failure", **facts)


def _expected(
    event, outcome, *, user=None, username=None, email=None, actor=None, at="", ip=None, **metadata
):
    """Name the account by `user`, or what was typed by `username` and `email`."""
    return {
        "event": event,
        "outcome": outcome,
        "user": user.pk if user is not None else None,
        "username": username if username is not None else _name_of(user),
        "email": email if email is not None else getattr(user, "email", ""),
        "actor": actor.pk if actor is not None else None,
        "actor_username": _name_of(actor),
        "at": at,
        "ip": ip or ("127.0.0.1" if at else None),
        "metadata": metadata,
    }


def _name_of(user):
    return user.get_username() if user is not None else ""


class Log:
    """Reads the entries that were added since it was last read."""

    def __init__(self):
        self.seen = set()

    def rows(self):
        rows = [row for row in AuditLog.objects.order_by("id") if row.pk not in self.seen]
        self.seen.update(row.pk for row in rows)
        return rows

    def new(self):
        return [
            {
                "event": row.event,
                "outcome": row.outcome,
                "user": row.user_id,
                "username": row.username,
                "email": row.email,
                "actor": row.actor_id,
                "actor_username": row.actor_username,
                "at": f"{row.method} {row.path}".strip(),
                "ip": row.ip_address,
                "metadata": row.metadata,
            }
            for row in self.rows()
        ]

    def forget(self):
        """Skip what setting the scene has recorded."""
        self.rows()


def role(kind, name):
    return {"kind": kind, "name": name}


def flag(name):
    return role("flag", name)
