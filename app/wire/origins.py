"""The web pages that may call: their origins, as browsers send them in the header `Origin`.

Rule 1  An origin is compared whole and exactly: scheme, host and port. Browsers send all of it in
        lower case and leave out the scheme's own port, so entries are brought into that form.
Rule 2  `*` stands for one whole label of a host: `vscode-webview://*`, `https://*.team.example`.
        Entries that would admit strangers' pages are refused: `*` alone, `https://*.com`.
Rule 3  Pages without an origin send `null`: files, and sandboxed frames of any web page.
"""

import re
from collections.abc import Iterable

NULL = "null"

_WEB = {"http": "80", "https": "443"}
_ORIGIN = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*)://"
    r"(?P<host>\[[0-9a-f:.]+\]|[a-z0-9_*-]+(\.[a-z0-9_*-]+)*)"
    r"(:(?P<port>[0-9]{1,5}))?"
)
_LABEL = "[a-z0-9_-]+"
_EXAMPLE = "https://app.example"


class Origins:
    """The allowed origins; entries as `read_origin` returns them."""

    def __init__(self, entries: Iterable[str]) -> None:
        entries = frozenset(entries)
        patterns = frozenset(entry for entry in entries if "*" in entry)
        self._exact = entries - patterns
        self._patterns = tuple(
            re.compile(re.escape(pattern).replace(r"\*", _LABEL)) for pattern in patterns
        )

    def __contains__(self, origin: str) -> bool:
        """Whether pages of an origin may call; `origin` is the header's whole value."""
        return origin in self._exact or any(each.fullmatch(origin) for each in self._patterns)


def read_origin(entry: str) -> str:
    """An entry of the setting, as browsers would send it. Raises `ValueError` with the remedy."""
    entry = entry.strip().lower()
    if entry == NULL:
        return entry
    if entry == "*":
        raise ValueError(
            "'*' would allow every web page you visit to spend your key and read your receipts; "
            f"list the origins, e.g. {_EXAMPLE}"
        )
    found = _ORIGIN.fullmatch(entry.removesuffix("/"))
    if found is None:
        raise ValueError(_what_is_wrong(entry))
    scheme, host, port = found["scheme"], found["host"], found["port"]
    _check_wildcard(scheme, host)
    own_port = port is None or port == _WEB.get(scheme)
    return f"{scheme}://{host}" if own_port else f"{scheme}://{host}:{port}"


def _what_is_wrong(entry: str) -> str:
    """Why an entry is not an origin; it is not repeated if it may contain a password."""
    if "@" in entry:
        return f"an origin has no user name or password; use e.g. {_EXAMPLE}"
    begun = _ORIGIN.match(entry)
    if begun is not None and entry[begun.end()] in "/?#":
        return f"{entry!r} has a path, but an origin has none; write {begun[0]}"
    if _ORIGIN.fullmatch(f"https://{entry}"):
        return f"{entry!r} has no scheme; write https://{entry} or http://{entry}"
    if ":*" in entry:
        return f"{entry!r}: '*' can't replace a port; list each port"
    return f"{entry!r} is not an origin; write it as browsers send it, e.g. {_EXAMPLE}"


def _check_wildcard(scheme: str, host: str) -> None:
    labels = host.split(".")
    if "*" not in host:
        return
    entry = f"{scheme}://{host}"
    if labels.count("*") != 1 or host.count("*") != 1:
        raise ValueError(
            f"{entry!r}: '*' can replace one whole label of a host, once; use e.g. https://*.team.example"
        )
    behind = labels[labels.index("*") + 1 :]
    if scheme in _WEB and len(behind) < 2 and behind != ["localhost"]:  # noqa: PLR2004 - a domain has two
        raise ValueError(
            f"{entry!r} would allow pages of strangers; "
            "write at least two labels after the '*', e.g. https://*.team.example"
        )
