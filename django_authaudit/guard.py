"""The one place where any error ends."""

from __future__ import annotations

import functools
import logging
from collections import Counter
from collections.abc import Callable
from types import TracebackType
from typing import ParamSpec

logger = logging.getLogger("django_authaudit")

failures: Counter[str] = Counter()
"""What went wrong in this process, by what was being done."""

P = ParamSpec("P")


class guard:  # noqa: N801 - reads as the statement that it is
    """Log and count whatever is raised inside, and go on: a login never breaks by its audit.

    ``with guard("what is done") as attempt: ...`` leaves the error in ``attempt.error``.
    SystemExit, KeyboardInterrupt and CancelledError pass.
    """

    def __init__(self, doing: str) -> None:
        self.doing = doing
        self.error: Exception | None = None

    def __enter__(self) -> guard:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        if not isinstance(error, Exception):
            return False
        self.error = error
        if not self.forbidden_by_tests:
            failures[self.doing] += 1
            logger.error("Audit log: %s failed.", self.doing, exc_info=error)
        return True

    @property
    def forbidden_by_tests(self) -> bool:
        """Whether a test runner refused access to the database: no fault, and nothing lost."""
        return self.error is not None and _raised_by_test_runner(self.error)


def guarded(receiver: Callable[P, None]) -> Callable[P, None]:
    """Return `receiver` such that nothing it raises reaches the caller."""
    doing = f"{receiver.__module__}.{receiver.__qualname__}"

    @functools.wraps(receiver)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> None:
        with guard(doing):
            receiver(*args, **kwargs)

    return wrapper


def _raised_by_test_runner(error: BaseException) -> bool:
    traceback = error.__traceback__
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    module = traceback.tb_frame.f_globals.get("__name__", "") if traceback is not None else ""
    return str(module).startswith(("django.test.", "pytest_django."))
