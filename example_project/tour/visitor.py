"""A visitor: a cookie jar, an address and a browser's name, on urllib alone."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http.client import HTTPResponse
from http.cookiejar import CookieJar
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit
from urllib.request import (
    HTTPCookieProcessor,
    HTTPErrorProcessor,
    OpenerDirector,
    ProxyHandler,
    Request,
    build_opener,
)

from tour.forms import find_form

REDIRECTS = (301, 302, 303, 307, 308)
SECONDS_TO_WAIT = 30

Fields = Mapping[str, str | Sequence[str] | None]


class TourError(Exception):
    """The site answered otherwise than the tour expects."""


class KeepRefusals(HTTPErrorProcessor):
    """Hand out 4xx and 5xx answers like any other; follow redirects."""

    def http_response(self, request: Request, response: HTTPResponse) -> Any:
        """Return the response, or what it redirects to."""
        if response.status in REDIRECTS:
            return super().http_response(request, response)
        return response


@dataclass(frozen=True)
class Page:
    """What the server sent back at the end of all redirects."""

    status: int
    path: str
    text: str


@dataclass
class Visitor:
    """Somebody with a browser, at an address that the proxy (the demo itself) vouches for."""

    site: str
    address: str
    user_agent: str
    forged_hops: str = ""
    """What the visitor wrote into X-Forwarded-For before the proxy added the true address."""
    cookies: CookieJar = field(default_factory=CookieJar)

    def __post_init__(self) -> None:
        # The empty ProxyHandler keeps a proxy of the environment out of it: all of this is local.
        self._opener: OpenerDirector = build_opener(
            ProxyHandler({}), KeepRefusals(), HTTPCookieProcessor(self.cookies)
        )

    def get(self, path: str, *, status: int = 200, host: str = "") -> Page:
        """Open `path`; raise TourError for another status than expected."""
        return self._send(Request(urljoin(self.site, path)), status, host=host)

    def submit(
        self,
        path: str,
        fields: Fields,
        *,
        action: str = "",
        status: int = 200,
        arrives: str = "",
    ) -> Page:
        """Open `path`, fill in its form and send it, as a browser would: CSRF token and all.

        A value of None clears a field. `action` picks one of several forms. Raises TourError
        for another status than expected, or when the visitor does not arrive at `arrives`.
        """
        page = self.get(path)
        form = find_form(page.text, action=action, having=tuple(fields))
        if form is None:
            raise TourError(f"{path} shows no form for {', '.join(fields) or action}")
        sent = self.post(
            urljoin(page.path, form.action or page.path), {**form.fields, **fields}, status=status
        )
        if arrives and sent.path.partition("?")[0] != arrives:
            raise TourError(f"{path} led to {sent.path}, not to {arrives}: {excerpt(sent.text)}")
        return sent

    def post(self, path: str, fields: Fields, *, status: int = 200) -> Page:
        """Send `fields` to `path` as they are; raise TourError for another status."""
        given = {name: value for name, value in fields.items() if value is not None}
        data = urlencode(given, doseq=True).encode()
        return self._send(Request(urljoin(self.site, path), data), status)

    def _send(self, request: Request, status: int, *, host: str = "") -> Page:
        hops = [hop for hop in (self.forged_hops, self.address) if hop]
        request.add_header("X-Forwarded-For", ", ".join(hops))
        request.add_header("User-Agent", self.user_agent)
        if host:
            request.add_header("Host", host)
        with self._opener.open(request, timeout=SECONDS_TO_WAIT) as response:
            text = response.read().decode(errors="replace")
            page = Page(response.status, urlsplit(response.url).path, text)
        if page.status != status:
            raise TourError(f"{page.path} answered {page.status}, not {status}: {excerpt(text)}")
        return page


def excerpt(html: str) -> str:
    """Return the complaints in a page, or failing that its title."""
    found = re.findall(r'class="error(?:list|note)[^>]*>(.*?)</(?:ul|p)>', html, re.DOTALL)
    found = found or re.findall(r"<title>(.*?)</title>", html, re.DOTALL) or [html[:200]]
    return " ".join(re.sub(r"<[^>]+>", " ", " ".join(found)).split())
