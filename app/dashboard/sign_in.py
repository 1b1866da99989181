"""Signing in, where caller keys are set: a browser can't send a key with an address one types.

Rule 1  The key is shown once, in a form; what the browser keeps is a session's id, in a cookie
        that no script reads and that no other site's page can have sent (HttpOnly, SameSite).
Rule 2  Forms are taken from our own pages alone: the Origin must be the host that was asked.
Rule 3  A session opens these pages, to read. It never opens the API.
"""

from collections.abc import Awaitable, Callable, Iterable
from urllib.parse import parse_qs, quote, urlsplit

from starlette.requests import Request, cookie_parser
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from app.dashboard.assets import ASSET_PATHS
from app.dashboard.render import PAGE_HEADERS, page
from app.dashboard.sessions import Sessions
from app.errors import ForbiddenOrigin, RequestError, UnknownCallerKey

Headers = Iterable[tuple[bytes, bytes]]
Refuse = Callable[[Scope, Receive, Send, RequestError], Awaitable[None]]

HOME = "/dashboard"
SIGN_IN = f"{HOME}/sign-in"
SIGN_OUT = f"{HOME}/sign-out"

_COOKIE = "pointsman_session"
_LONGEST_FORM = 4096
_SEE_OTHER = 303


class SignIn:
    """The way into the pages; the door asks it who comes with a cookie."""

    open_paths = ASSET_PATHS | {SIGN_IN, SIGN_OUT}
    forms = frozenset({SIGN_IN, SIGN_OUT})

    def __init__(self, admit: Callable[[Headers], str | None], *, asks: bool) -> None:
        """`admit` knows callers by the key among their headers; `asks`: whether keys are set."""
        self.asks = asks
        self._admit = admit
        self._sessions = Sessions()

    def caller_of(self, scope: Scope) -> str | None:
        """Who signed in, for a page that is being read; None for everything else."""
        if scope["method"] not in {"GET", "HEAD"} or not is_page(scope["path"]):
            return None
        session_id = _session_id(scope["headers"])
        return self._sessions.caller_of(session_id) if session_id else None

    def or_ask(self, refuse: Refuse) -> Refuse:
        """`refuse`, but who wants to read a page and has shown no key is asked for one."""

        async def refuse_or_ask(
            scope: Scope, receive: Receive, send: Send, error: RequestError
        ) -> None:
            if isinstance(error, UnknownCallerKey) and is_page(scope["path"]):
                await _ask(scope)(scope, receive, send)
            else:
                await refuse(scope, receive, send, error)

        return refuse_or_ask

    def routes(self) -> tuple[Route, ...]:
        """The form, and what is done with it."""
        return (
            Route(SIGN_IN, self._show_form, methods=["GET"]),
            Route(SIGN_IN, self._sign_in, methods=["POST"]),
            Route(SIGN_OUT, self._sign_out, methods=["POST"]),
        )

    def _show_form(self, request: Request) -> Response:
        return self._form(_way_back(request.query_params.get("next")))

    async def _sign_in(self, request: Request) -> Response:
        if not _from_our_page(request):
            return _foreign()
        fields = await _read_form(request)
        way_back = _way_back(fields.get("next"))
        try:
            caller = self._admit([(b"x-api-key", fields.get("key", "").encode())])
        except UnknownCallerKey:
            return self._form(way_back, failed=True)
        answer = RedirectResponse(way_back, _SEE_OTHER, PAGE_HEADERS)
        if caller is not None:
            answer.set_cookie(
                _COOKIE,
                self._sessions.begin(caller),
                max_age=int(self._sessions.seconds),
                path=HOME,
                secure=request.url.scheme == "https",
                httponly=True,
                samesite="strict",
            )
        return answer

    async def _sign_out(self, request: Request) -> Response:
        if not _from_our_page(request):
            return _foreign()
        session_id = _session_id(request.scope["headers"])
        if session_id:
            self._sessions.end(session_id)
        answer = RedirectResponse(SIGN_IN, _SEE_OTHER, PAGE_HEADERS)
        answer.delete_cookie(_COOKIE, path=HOME, httponly=True, samesite="strict")
        return answer

    def _form(self, way_back: str, *, failed: bool = False) -> Response:
        if not self.asks:
            return RedirectResponse(HOME, _SEE_OTHER, PAGE_HEADERS)
        return page("sign_in.html", 401 if failed else 200, way_back=way_back, failed=failed)


def is_page(path: str) -> bool:
    """Whether a path is one of the dashboard's."""
    return path == HOME or path.startswith(f"{HOME}/")


def _ask(scope: Scope) -> Response:
    wanted = scope["path"]
    if scope["query_string"]:
        wanted += "?" + scope["query_string"].decode("latin-1")
    if any(name == b"hx-request" for name, _ in scope["headers"]):
        # A part of a page: the browser has to go and ask as a whole.
        return Response(status_code=401, headers={**PAGE_HEADERS, "hx-redirect": SIGN_IN})
    return RedirectResponse(
        f"{SIGN_IN}?next={quote(wanted, safe='/')}", _SEE_OTHER, headers=PAGE_HEADERS
    )


def _way_back(wanted: str | None) -> str:
    """Where to go once signed in: a page of ours, and nowhere else whatever is asked."""
    parts = urlsplit(wanted or HOME)
    ours = not (parts.scheme or parts.netloc) and is_page(parts.path) and parts.path != SIGN_IN
    if not ours or ".." in parts.path or "\\" in (wanted or ""):
        return HOME
    return quote(parts.path) + (f"?{quote(parts.query, safe='=&%+')}" if parts.query else "")


def _from_our_page(request: Request) -> bool:
    """Browsers name the page's origin with every form they send."""
    scheme, _, authority = request.headers.get("origin", "").lower().partition("://")
    return scheme in {"http", "https"} and authority == request.headers.get("host", "").lower()


def _foreign() -> Response:
    error = ForbiddenOrigin("this form is taken from Pointsman's own page only")
    detail = {"message": str(error), "type": error.type, "param": None, "code": error.code}
    return JSONResponse({"error": detail}, status_code=error.status)


async def _read_form(request: Request) -> dict[str, str]:
    """The fields of a form as short as ours is; of any other nothing."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LONGEST_FORM:
            return {}
    try:
        fields = parse_qs(body.decode("latin-1"), max_num_fields=10)
    except ValueError:
        return {}
    return {name: values[-1] for name, values in fields.items()}


def _session_id(headers: Headers) -> str | None:
    """Read leniently: other programs on this host have cookies of their own, odd ones too."""
    for name, value in headers:
        if name == b"cookie":
            return cookie_parser(value.decode("latin-1")).get(_COOKIE)
    return None
