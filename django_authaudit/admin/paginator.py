"""Pages whose price does not grow with the table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core import paginator
from django.utils.functional import cached_property

from django_authaudit.admin.search import Matches

if TYPE_CHECKING:
    Paginator = paginator.Paginator[Any]
else:
    Paginator = paginator.Paginator


class BoundedPaginator(Paginator):
    """Counts no further than one entry past `bound`, and pages no deeper."""

    bound = 10_000

    def __init__(self, object_list: Any, *args: Any, **options: Any) -> None:
        super().__init__(object_list, *args, **options)
        self.entries = object_list

    @cached_property
    def count(self) -> int:
        """The number of entries, or `bound` where there are more."""
        return min(self._found, self.bound)

    @property
    def more(self) -> bool:
        """Whether there are more entries than `count` says."""
        return self._found > self.bound

    @cached_property
    def _found(self) -> int:
        if isinstance(self.entries, Matches):
            return self.entries.found
        # A LIMIT inside the COUNT: an index is read as far as the bound.
        return int(self.entries[: self.bound + 1].count())
