"""How a lenient server might read a path, so that no spelling of one of ours gets past a policy.

Rule 1  What is read is the path as it is sent upstream, since that is what upstream reads.
Rule 2  Every leniency is assumed at once: percent-encoding undone however often it was done, also
        in overlong UTF-8 and as `%u0041`; compatibility forms (full width), case, blanks and
        invisible characters; backslashes; what follows `;`, `?`, `#` or a NUL; dots at the end.
Rule 3  A path that is read too leniently costs an odd spelling a 404. One that is read too
        strictly costs the policy.
"""

import re
import unicodedata
from collections.abc import Iterator

_ESCAPE = re.compile(rb"%(?:25)*(?:[uU]([0-9a-fA-F]{4})|([0-9a-fA-F]{2}))")
# ASCII in more bytes than it takes, as no sound encoder writes it.
_OVERLONG = re.compile(rb"[\xc0\xc1][\x80-\xbf]|(?:\xe0|\xf0\x80)[\x80\x81][\x80-\xbf]")
_SLASHES = str.maketrans(dict.fromkeys("\\\N{FRACTION SLASH}\N{DIVISION SLASH}\u29f5\u29f8", "/"))
_BLANK = frozenset("+\N{REPLACEMENT CHARACTER}")  # a form's blank, and what could not be read
_UNSEEN = frozenset("CZ")  # the first letter of the categories of controls, formats and blanks

# What ends a path, and whether a segment's parameters are cut off by themselves.
_WAYS = (("?#;\0", False), ("?#\0", True), ("?#", True))


def readings(sent: str) -> Iterator[str]:
    """Each way in which a lenient server might read a path that is sent."""
    text = _plain(sent)
    for ends, parameters in _WAYS:
        read = text
        for mark in ends:
            read = read.partition(mark)[0]
        segments = read.split("/")
        if parameters:
            segments = [segment.partition(";")[0] for segment in segments]
        yield "/".join(map(_bare, segments))


def _plain(text: str) -> str:
    """`text` without any encoding, in lower case; once more, for what that has brought to light."""
    while (read := _read(text)) != text:
        text = read
    return text


def _read(text: str) -> str:
    decoded = _decoded(text.encode("utf-8", "surrogatepass")).decode("utf-8", "replace")
    return unicodedata.normalize("NFKC", decoded).upper().casefold().translate(_SLASHES)


def _decoded(raw: bytes) -> bytes:
    """Without percent-encoding, as often as it was applied; each round makes it shorter."""
    while True:
        read = _OVERLONG.sub(_as_ascii, _ESCAPE.sub(_as_bytes, raw))
        if read == raw:
            return raw
        raw = read


def _as_bytes(escape: re.Match[bytes]) -> bytes:
    if escape[1] is not None:
        return chr(int(escape[1], 16)).encode("utf-8", "surrogatepass")
    return bytes.fromhex(escape[2].decode())


def _as_ascii(overlong: re.Match[bytes]) -> bytes:
    *_, first, last = overlong[0]
    return bytes([(first & 1) << 6 | last & 0x3F])


def _bare(segment: str) -> str:
    """A segment without what can't be seen, and without dots at its end."""
    seen = "".join(
        each
        for each in segment
        if each not in _BLANK and unicodedata.category(each)[0] not in _UNSEEN
    )
    return seen if seen in {".", ".."} else seen.rstrip(".")
