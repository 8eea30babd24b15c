"""One file of HTML that needs no other, for a browser or a printer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.template.loader import render_to_string

from django_authaudit.reports.document import Section


def render(title: str, sections: Sequence[Section], data: Mapping[str, Any]) -> str:
    """Return the sections as a page."""
    found = {"title": title, "sections": sections, "made": data["made"]}
    return render_to_string("django_authaudit/report.html", found)
