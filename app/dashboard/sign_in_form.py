"""The sign-in form, its actions, and the redirect to it (see `sign_in`).

Loaded on first use: a proxy whose dashboard is not used does without it.
"""

from urllib.parse import parse_qs, quote, urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import Scope

from ..errors import ForbiddenOrigin, SignInUnknown, TooManyWrongKeys, UnknownCallerKey
from .render import PAGE_HEADERS, page
from .session_cookie import COOKIE, HOME, SIGN_IN, SIGN_OUT, Admit, is_page, session_id
from .sessions import Known

_LONGEST_FORM = 4096
_SEE_OTHER = 303


class Form:
    """Begins and ends sessions."""

    def __init__(self, admit: Admit, sessions: Known, *, asks: bool) -> None:
        """`admit` finds callers by the key in their headers; `asks`: whether keys are set."""
        self._admit = admit
        self._sessions = sessions
        self._asks = asks

    def routes(self) -> tuple[Route, ...]:
        """The routes of the form and its actions."""
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
        address = request.client.host if request.client else None
        try:
            caller = self._admit([(b"x-api-key", fields.get("key", "").encode())], address)
        except UnknownCallerKey:
            return self._form(way_back, failed=True)
        except TooManyWrongKeys as error:
            return self._form(way_back, failed=True, wait=str(error))
        answer = RedirectResponse(way_back, _SEE_OTHER, PAGE_HEADERS)
        if caller is not None:
            try:
                begun = await self._sessions.begin(caller)
            except SignInUnknown as error:
                return unknown(error, way_back)
            answer.set_cookie(
                COOKIE,
                begun,
                max_age=int(self._sessions.seconds),
                path=HOME,
                # As the browser reports it: a web server in front may terminate TLS before us.
                secure=request.headers["origin"].lower().startswith("https:"),
                httponly=True,
                samesite="strict",
            )
        return answer

    async def _sign_out(self, request: Request) -> Response:
        if not _from_our_page(request):
            return _foreign()
        ended = session_id(request.scope["headers"])
        try:
            if ended:
                await self._sessions.end(ended)
        except SignInUnknown as error:
            return unknown(error)  # and the browser keeps its cookie, to try again
        answer = RedirectResponse(SIGN_IN, _SEE_OTHER, PAGE_HEADERS)
        answer.delete_cookie(COOKIE, path=HOME, httponly=True, samesite="strict")
        return answer

    def _form(self, way_back: str, *, failed: bool = False, wait: str = "") -> Response:
        if not self._asks:
            return RedirectResponse(HOME, _SEE_OTHER, PAGE_HEADERS)
        status = 429 if wait else 401 if failed else 200
        return page("sign_in.html", status, way_back=way_back, failed=failed, wait=wait, trouble="")


def ask(scope: Scope) -> Response:
    """Redirect a request for a page to the form, which leads back to the page."""
    wanted = scope["path"]
    if scope["query_string"]:
        wanted += "?" + scope["query_string"].decode("latin-1")
    if any(name == b"hx-request" for name, _ in scope["headers"]):
        # A part of a page: the browser has to load the whole page.
        return Response(status_code=401, headers={**PAGE_HEADERS, "hx-redirect": SIGN_IN})
    return RedirectResponse(
        f"{SIGN_IN}?next={quote(wanted, safe='/')}", _SEE_OTHER, headers=PAGE_HEADERS
    )


def unknown(error: SignInUnknown, way_back: str = HOME) -> Response:
    """The form, with the reason why no sign-in can be checked, begun or ended now."""
    answer = page("sign_in.html", error.status, way_back=way_back, failed=False, trouble=str(error))
    for name, value in error.headers:
        answer.headers[name.decode()] = value.decode()
    return answer


def _way_back(wanted: str | None) -> str:
    """The page to return to after sign-in: always one of ours, whatever the request names."""
    parts = urlsplit(wanted or HOME)
    ours = not (parts.scheme or parts.netloc) and is_page(parts.path) and parts.path != SIGN_IN
    if not ours or ".." in parts.path or "\\" in (wanted or ""):
        return HOME
    return quote(parts.path) + (f"?{quote(parts.query, safe='=&%+')}" if parts.query else "")


def _from_our_page(request: Request) -> bool:
    """Whether a form is from our page: browsers send the page's origin with every form."""
    scheme, _, authority = request.headers.get("origin", "").lower().partition("://")
    return scheme in {"http", "https"} and authority == request.headers.get("host", "").lower()


def _foreign() -> Response:
    error = ForbiddenOrigin("this form is taken from Pointsman's own page only")
    detail = {"message": str(error), "type": error.type, "param": None, "code": error.code}
    return JSONResponse({"error": detail}, status_code=error.status)


async def _read_form(request: Request) -> dict[str, str]:
    """The fields of a form that is as short as ours; of any other form, none."""
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
