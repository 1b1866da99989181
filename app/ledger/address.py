"""A ledger's address as it may be shown: in messages, in logs and on a command line."""

import re

HIDDEN = "PASSWORD"
# By name: of the user, or of the client's certificate.
_NAMED = re.compile(r"(?<=[?&])((?:ssl)?password=)[^&]*", re.IGNORECASE)


def without_password(url: str) -> str:
    """Return an address without any password in it, however it is written.

    A password may contain characters that it should not: the last `@` counts.
    """
    scheme, slashes, rest = url.partition("://")
    if not slashes:
        return "(an unreadable URL)"
    if scheme.startswith("sqlite"):
        return url  # a file's name may have all of these characters
    credentials, at, place = rest.rpartition("@")
    name, colon, _ = credentials.partition(":")
    shown = f"{scheme}://{name}{colon}{HIDDEN if colon else ''}{at}{place}"
    return _NAMED.sub(rf"\1{HIDDEN}", shown)
