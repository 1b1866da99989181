"""Signing in, if caller keys are set: a browser can't send a key with a URL that a user types.

Rule 1  The key is entered once, in a form; the browser keeps a session's id, in a cookie that
        scripts can't read and that other sites' pages can't cause to be sent (HttpOnly, SameSite).
Rule 2  Forms are accepted only from our own pages: the Origin must be the requested host.
Rule 3  A session allows reading these pages. It never gives access to the API.
"""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from starlette.types import Receive, Scope, Send

from ..errors import RequestError, SignInUnknown, TooManyWrongKeys, UnknownCallerKey
from .assets import ASSET_PATHS
from .session_cookie import SIGN_IN, SIGN_OUT, Admit, is_page, session_id
from .sessions import Known

if TYPE_CHECKING:
    from starlette.routing import Route

Refuse = Callable[[Scope, Receive, Send, RequestError], Awaitable[None]]


class SignIn:
    """The sign-in for the pages; access control uses it to find the caller of a cookie."""

    open_paths = ASSET_PATHS | {SIGN_IN, SIGN_OUT}
    forms = frozenset({SIGN_IN, SIGN_OUT})

    def __init__(self, admit: Admit, *, asks: bool, sessions: Known) -> None:
        """`admit` finds callers by the key in their headers; `asks`: whether keys are set."""
        self._asks = asks
        self._admit = admit
        self._sessions = sessions

    async def caller_of(self, scope: Scope) -> str | None:
        """Return the signed-in caller, for a page that is read; None for any other request.

        Raises `SignInUnknown` if the ledger has the sign-ins and can't be read.
        """
        if scope["method"] not in {"GET", "HEAD"} or not is_page(scope["path"]):
            return None
        shown = session_id(scope["headers"])
        return await self._sessions.caller_of(shown) if shown else None

    def or_ask(self, refuse: Refuse) -> Refuse:
        """Return `refuse`, except that a request for a page without a key leads to the form."""

        async def refuse_or_ask(
            scope: Scope, receive: Receive, send: Send, error: RequestError
        ) -> None:
            if isinstance(error, UnknownCallerKey | TooManyWrongKeys) and is_page(scope["path"]):
                from .sign_in_form import ask  # noqa: PLC0415 - see there

                await ask(scope)(scope, receive, send)
            elif isinstance(error, SignInUnknown):
                from .sign_in_form import unknown  # noqa: PLC0415 - see there

                await unknown(error)(scope, receive, send)
            else:
                await refuse(scope, receive, send, error)

        return refuse_or_ask

    def routes(self) -> "tuple[Route, ...]":
        """The routes of the form and its actions."""
        from .sign_in_form import Form  # noqa: PLC0415 - see there

        return Form(self._admit, self._sessions, asks=self._asks).routes()
