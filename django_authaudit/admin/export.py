"""What the list shows, as a file: all of it, page after page, in constant memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Generator, Iterator
from itertools import islice
from typing import Any

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import Http404, HttpRequest, StreamingHttpResponse
from django.utils import timezone

from django_authaudit import events, exports, formats, reading, recorder
from django_authaudit.entry import Entry
from django_authaudit.querysets import COLUMNS

PERMISSION = "django_authaudit.export_auditlog"
FORMATS = (("csv", "CSV"), ("jsonl", "JSON lines"))
"""What the list offers, and what it is called."""
_PAGE = 1_000


def download(request: HttpRequest, reader: reading.Reader, name: str) -> StreamingHttpResponse:
    """Return the entries of `reader` in the format `name`, newest first, as they are read.

    Raises Http404 for a format that the list does not offer. The export is recorded when the last
    entry has left, or when whoever asked has gone.
    """
    if name not in dict(FORMATS):
        raise Http404
    format = formats.make_format(name)
    chunks: Any = _chunks(request, reader, format)
    file = f"audit-log-{timezone.localtime():%Y-%m-%d-%H%M}.{format.suffix}"
    return StreamingHttpResponse(
        _awaited(chunks) if isinstance(request, ASGIRequest) else chunks,
        content_type=f"{format.media_type}; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{file}"'},
    )


def _chunks(
    request: HttpRequest, reader: reading.Reader, format: formats.Format
) -> Generator[bytes, None, None]:
    """Yield the file page by page; then record what has left."""
    count, whole = 0, False
    try:
        # The header, if there is one, though there be no entry.
        yield exports.head(format)
        for page in _pages(reader):
            # Counted before: what was handed out may have arrived.
            count += len(page)
            yield "".join(f"{format.dumps(entry)}\n" for entry in page).encode()
        whole = True
    finally:
        interrupted = {} if whole else {"interrupted": True}
        recorder.record(
            events.AUDIT_EXPORTED,
            request=request,
            metadata={
                "format": format.name,
                "count": count,
                "filters": request.GET.dict(),
                **interrupted,
            },
        )


def _pages(reader: reading.Reader) -> Iterator[list[Entry]]:
    page = reader.newest(_PAGE)
    while True:
        yield [Entry(**{name: getattr(row, name) for name in COLUMNS}) for row in page.entries]
        if page.older is None:
            return
        page = reader.before(page.older, _PAGE)


def _next(chunks: Iterator[bytes]) -> list[bytes]:
    """Return the next of `chunks` in a list, or an empty one: no coroutine may end as they do."""
    return list(islice(chunks, 1))


async def _awaited(chunks: Generator[bytes, None, None]) -> AsyncIterator[bytes]:
    """Yield `chunks` in an event loop, where Django would take in all of them first."""
    try:
        while chunk := await sync_to_async(_next)(chunks):
            yield chunk[0]
    finally:
        await sync_to_async(chunks.close)()
