"""Signing in, where caller keys are set: a browser can't send a key with an address one types.

Rule 1  The key is shown once, in a form; what the browser keeps is a session's id, in a cookie
        that no script reads and that no other site's page can have sent (HttpOnly, SameSite).
Rule 2  Forms are taken from our own pages alone: the Origin must be the host that was asked.
Rule 3  A session opens these pages, to read. It never opens the API.
"""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from starlette.types import Receive, Scope, Send

from app.dashboard.assets import ASSET_PATHS
from app.dashboard.session_cookie import SIGN_IN, SIGN_OUT, Admit, is_page, session_id
from app.dashboard.sessions import Known
from app.errors import RequestError, TooManyWrongKeys, UnknownCallerKey

if TYPE_CHECKING:
    from starlette.routing import Route

Refuse = Callable[[Scope, Receive, Send, RequestError], Awaitable[None]]


class SignIn:
    """The way into the pages; the door asks it who comes with a cookie."""

    open_paths = ASSET_PATHS | {SIGN_IN, SIGN_OUT}
    forms = frozenset({SIGN_IN, SIGN_OUT})

    def __init__(self, admit: Admit, *, asks: bool, sessions: Known) -> None:
        """`admit` knows callers by the key among their headers; `asks`: whether keys are set."""
        self._asks = asks
        self._admit = admit
        self._sessions = sessions

    def caller_of(self, scope: Scope) -> str | None:
        """Who signed in, for a page that is being read; None for everything else."""
        if scope["method"] not in {"GET", "HEAD"} or not is_page(scope["path"]):
            return None
        shown = session_id(scope["headers"])
        return self._sessions.caller_of(shown) if shown else None

    def or_ask(self, refuse: Refuse) -> Refuse:
        """`refuse`, but who wants to read a page and has shown no key is asked for one."""

        async def refuse_or_ask(
            scope: Scope, receive: Receive, send: Send, error: RequestError
        ) -> None:
            if isinstance(error, UnknownCallerKey | TooManyWrongKeys) and is_page(scope["path"]):
                from app.dashboard.sign_in_form import ask  # noqa: PLC0415 - see there

                await ask(scope)(scope, receive, send)
            else:
                await refuse(scope, receive, send, error)

        return refuse_or_ask

    def routes(self) -> "tuple[Route, ...]":
        """The form, and what is done with it."""
        from app.dashboard.sign_in_form import Form  # noqa: PLC0415 - see there

        return Form(self._admit, self._sessions, asks=self._asks).routes()
