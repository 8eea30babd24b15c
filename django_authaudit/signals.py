"""The package's own signals; both are sent with ``send_robust()``."""

from django.dispatch import Signal

# Emitted when an entry is durable: committed to the database, or synced to the spool.
# Sent once per entry, never again at replay.
# Arguments:
# - entry: Entry
entry_recorded = Signal()

# Emitted when a sink refused entries, once per failed attempt.
# Arguments:
# - entries: list[Entry], what the sink refused
# - error: Exception, why
# - spooled: bool, True when the entries are safe on disk, False when only the log has them
write_failed = Signal()
