"""What the package raises; nothing of it ever reaches a request."""


class AuthAuditError(Exception):
    """The base of the package's own errors."""


class ReadOnlyError(AuthAuditError):
    """Raised when stored entries are about to be changed or deleted outside retention."""


class SpoolError(AuthAuditError):
    """Raised when the spool cannot be used safely."""
