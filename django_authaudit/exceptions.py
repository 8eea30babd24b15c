"""What the package raises; nothing of it ever reaches a request."""


class AuthAuditError(Exception):
    """The base of the package's own errors."""


class ReadOnlyError(AuthAuditError):
    """Raised when stored entries are about to be changed or deleted outside retention."""


class SpoolError(AuthAuditError):
    """Raised when the spool cannot be used safely."""


class RejectedError(AuthAuditError):
    """Raised by a sink for entries that its receiver never takes, however often they are sent."""


class UnavailableError(AuthAuditError):
    """Raised by a sink whose receiver takes nothing now.

    `retry_after`: seconds after which it asks to be tried again, if it said so.
    """

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class KeyUnusableError(AuthAuditError):
    """Raised when a key is none, or what it needs is not installed."""


class TamperedError(AuthAuditError):
    """Raised when something is to be done with an entry that is not as it was signed."""


class AnchorError(AuthAuditError):
    """Raised when the seals of the log are not those that were anchored."""


class PersonError(AuthAuditError):
    """Raised when it is not clear who is meant."""


class ExportError(AuthAuditError):
    """Raised when what is asked for cannot be exported."""
