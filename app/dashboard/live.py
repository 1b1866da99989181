"""GET /dashboard/live: the tail as server-sent events, with rows rendered as on the page."""

from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from ..ledger.wanted import FilterError
from .address import RECEIPTS, Address, address_of
from .receipt_row import row_of
from .render import PAGE_HEADERS, fragment
from .shell import reads_of
from .tail import News, Tail

_KEEP_ALIVE = 30  # polls without news, some twelve seconds
_LONGEST_CURSOR = 18  # digits; a longer number is not a cursor of this ledger


def live(tail: Tail, request: Request) -> Response:
    """Return the stream, unless another site's page requests it, or there are too many viewers."""
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        return Response("for Pointsman's own pages only", 403, PAGE_HEADERS)
    if tail.is_full:
        return Response("too many open pages", 503, {**PAGE_HEADERS, "retry-after": "30"})
    try:
        address = address_of(RECEIPTS, request.query_params, reads=reads_of(request))
    except FilterError as error:
        return Response(str(error), 400, PAGE_HEADERS)
    headers = {**PAGE_HEADERS, "x-accel-buffering": "no"}
    return StreamingResponse(
        _events(tail, request, address),
        media_type="text/event-stream",
        headers=headers,
    )


async def _events(tail: Tail, request: Request, address: Address) -> AsyncIterator[str]:
    quiet, well = 0, False
    yield "retry: 2000\n\n"
    follow = tail.follow(_cursor(request), request.is_disconnected, address.wanted.audit)
    async for news in follow:
        told = _tell(news, address)
        quiet = 0 if told else quiet + 1
        if told:
            yield told
        elif not well:
            yield event("well", "", news.cursor)
        elif quiet % _KEEP_ALIVE == 0:
            yield ": still here\n\n"
        well = news.trouble is None


def _tell(news: News, address: Address) -> str:
    if news.trouble is not None:
        return event("trouble", "the ledger can't be read; trying again …")
    rows = [row_of(receipt) for receipt in reversed(news.receipts) if address.wanted.fits(receipt)]
    if not rows:
        return ""
    return event("receipts", fragment("rows.html", rows=rows, address=address), news.cursor)


def _cursor(request: Request) -> int | None:
    """The cursor to continue from: where the last stream broke, or where the page was rendered."""
    known = request.headers.get("last-event-id") or request.query_params.get("after", "")
    told = known.isascii() and known.isdigit() and len(known) <= _LONGEST_CURSOR
    return int(known) if told else None


def event(name: str, text: str, cursor: int | None = None) -> str:
    """One server-sent event; every line of the text becomes a line of data."""
    lines = [f"id: {cursor}"] if cursor is not None else []
    lines += [f"event: {name}", *(f"data: {line}" for line in text.splitlines() or [""])]
    return "\n".join(lines) + "\n\n"
