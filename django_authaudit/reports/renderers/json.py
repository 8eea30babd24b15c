"""The plain data, for machines."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder

from django_authaudit.reports.document import Section


def render(title: str, sections: Sequence[Section], data: Mapping[str, Any]) -> str:
    """Return `data` as JSON."""
    return json.dumps(data, cls=DjangoJSONEncoder, indent=2) + "\n"
