"""Standards, clause by clause: one module each, found by being here."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib import import_module
from pkgutil import iter_modules

from django_authaudit.reports.judges import FAIL, Judge
from django_authaudit.reports.report import Report


@dataclass(frozen=True)
class Clause:
    """What a standard asks, in short, and who judges whether it is so."""

    id: str
    text: str
    judge: Judge
    required: bool = field(default=True, kw_only=True)


@dataclass(frozen=True)
class Profile:
    """A standard, as far as an authentication audit log can answer for it."""

    title: str
    clauses: tuple[Clause, ...]


@dataclass(frozen=True)
class Verdict:
    """What was found of one clause."""

    clause: str
    text: str
    status: str
    evidence: str
    required: bool

    @property
    def failed(self) -> bool:
        """Whether a clause that is required does not hold."""
        return self.required and self.status == FAIL


def names() -> tuple[str, ...]:
    """Return the names of the profiles."""
    return tuple(sorted(module.name for module in iter_modules(__path__)))


def get(name: str) -> Profile:
    """Return the profile `name`."""
    profile: Profile = import_module(f"{__name__}.{name}").PROFILE
    return profile


def judge(report: Report, profile: Profile) -> tuple[Verdict, ...]:
    """Return what the report has to say to each clause."""
    return tuple(
        Verdict(clause.id, clause.text, *clause.judge(report), clause.required)
        for clause in profile.clauses
    )
