"""One file of HTML that needs no other, for a browser or a printer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from django.template import Context, Engine, Template

from django_authaudit.reports.document import Section


def render(title: str, sections: Sequence[Section], data: Mapping[str, Any]) -> str:
    """Return the sections as a page."""
    found = {"title": title, "sections": sections, "made": data["made"]}
    return _template().render(Context(found))


@cache
def _template() -> Template:
    # By an engine of its own: a project without templates wants its report too.
    folder = Path(__file__).resolve().parents[2] / "templates"
    return Engine(dirs=[str(folder)]).get_template("django_authaudit/report.html")
