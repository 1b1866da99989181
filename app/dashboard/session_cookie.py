"""The cookie that a signed-in browser sends, and the paths of the pages that it opens."""

from collections.abc import Callable, Iterable

Headers = Iterable[tuple[bytes, bytes]]
Admit = Callable[[Headers, str | None], str | None]  # by headers, and the client's address

HOME = "/dashboard"
SIGN_IN = f"{HOME}/sign-in"
SIGN_OUT = f"{HOME}/sign-out"

COOKIE = "pointsman_session"


def is_page(path: str) -> bool:
    """Whether a path is one of the dashboard's."""
    return path == HOME or path.startswith(f"{HOME}/")


def session_id(headers: Headers) -> str | None:
    """Return the session that a cookie names.

    Parsed leniently: other programs on this host have their own cookies, including odd ones.
    """
    for name, value in headers:
        if name == b"cookie":
            from starlette.requests import cookie_parser  # noqa: PLC0415 - who relays has no cookies

            return cookie_parser(value.decode("latin-1")).get(COOKIE)
    return None
