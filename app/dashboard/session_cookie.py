"""The cookie that a signed-in browser shows, and where the pages are that it opens."""

from collections.abc import Callable, Iterable

Headers = Iterable[tuple[bytes, bytes]]
Admit = Callable[[Headers, str | None], str | None]  # by headers, and the address they came from

HOME = "/dashboard"
SIGN_IN = f"{HOME}/sign-in"
SIGN_OUT = f"{HOME}/sign-out"

COOKIE = "pointsman_session"


def is_page(path: str) -> bool:
    """Whether a path is one of the dashboard's."""
    return path == HOME or path.startswith(f"{HOME}/")


def session_id(headers: Headers) -> str | None:
    """The session that a cookie names.

    Read leniently: other programs on this host have cookies of their own, odd ones too.
    """
    for name, value in headers:
        if name == b"cookie":
            from starlette.requests import cookie_parser  # noqa: PLC0415 - who relays has no cookies

            return cookie_parser(value.decode("latin-1")).get(COOKIE)
    return None
