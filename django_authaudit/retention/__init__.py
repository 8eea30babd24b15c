"""How long entries are kept, and how they leave."""

from django_authaudit.retention.archives import ArchiveError
from django_authaudit.retention.batches import LONGEST_WAIT, MOST_ROWS, Batch
from django_authaudit.retention.periods import (
    RetentionError,
    cutoff_for,
    entries_of,
    expired,
    not_shipped,
)
from django_authaudit.retention.pruning import Batches, prune

__all__ = [
    "LONGEST_WAIT",
    "MOST_ROWS",
    "ArchiveError",
    "Batch",
    "Batches",
    "RetentionError",
    "cutoff_for",
    "entries_of",
    "expired",
    "not_shipped",
    "prune",
]
