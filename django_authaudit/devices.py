"""A user agent in words, by the library `ua-parser` where it is installed."""

from __future__ import annotations

from functools import lru_cache
from importlib.util import find_spec

from django.utils.translation import gettext

from django_authaudit.cleaning import clean_text

_LONGEST = 200
_UNKNOWN = (None, "", "Other")


def describe(user_agent: str) -> str:
    """Return the device behind `user_agent` for its owner: "Firefox on Windows".

    Where the library (extra `devices`) is missing or knows nothing of it, the header itself.
    """
    if not user_agent:
        return gettext("unknown device")
    browser, system = _parse(user_agent) if find_spec("ua_parser") else ("", "")
    if browser and system:
        return gettext("%(browser)s on %(system)s") % {"browser": browser, "system": system}
    return browser or system or clean_text(user_agent, _LONGEST)[0]


@lru_cache(maxsize=1_000)
def _parse(user_agent: str) -> tuple[str, str]:
    """Return the browser and the system or device it runs on; nothing for what is unknown."""
    from ua_parser import parse

    found = parse(user_agent)
    device = _family(found.device)
    system = _family(found.os)
    # "iPhone" says more than "iOS"; the models of others are for experts.
    return _family(found.user_agent), device if device in ("iPhone", "iPad") else system


def _family(part: object) -> str:
    family = getattr(part, "family", None)
    return "" if family in _UNKNOWN else str(family)
