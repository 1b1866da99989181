"""How a lenient server might interpret a path, so that no spelling of ours bypasses a policy.

Rule 1  The path is examined as it is sent upstream, since upstream interprets that one.
Rule 2  Every leniency is assumed at once: percent-encoding decoded however often it was applied,
        also in overlong UTF-8 and as `%u0041`; compatibility forms (full width), case, blanks and
        invisible characters; backslashes; text after `;`, `?`, `#` or a NUL; dots at the end.
Rule 3  If a path is interpreted too leniently, an odd spelling gets a 404. If it is interpreted
        too strictly, the policy is bypassed.
"""

import re
import unicodedata
from collections.abc import Iterator

_ESCAPE = re.compile(rb"%(?:25)*(?:[uU]([0-9a-fA-F]{4})|([0-9a-fA-F]{2}))")
# ASCII in more bytes than necessary, which no correct encoder writes.
_OVERLONG = re.compile(rb"[\xc0\xc1][\x80-\xbf]|(?:\xe0|\xf0\x80)[\x80\x81][\x80-\xbf]")
_SLASHES = str.maketrans(dict.fromkeys("\\\N{FRACTION SLASH}\N{DIVISION SLASH}\u29f5\u29f8", "/"))
_BLANK = frozenset("+\N{REPLACEMENT CHARACTER}")  # a form's blank, and undecodable bytes
_UNSEEN = frozenset("CZ")  # the first letter of the categories of controls, formats and blanks

# The characters that end a path, and whether a segment's parameters are cut off separately.
_WAYS = (("?#;\0", False), ("?#\0", True), ("?#", True))


def readings(sent: str) -> Iterator[str]:
    """Each way in which a lenient server might interpret a sent path."""
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
    """`text` without any encoding, in lower case; repeated for encodings that this reveals."""
    while (read := _read(text)) != text:
        text = read
    return text


def _read(text: str) -> str:
    decoded = _decoded(text.encode("utf-8", "surrogatepass")).decode("utf-8", "replace")
    return unicodedata.normalize("NFKC", decoded).upper().casefold().translate(_SLASHES)


def _decoded(raw: bytes) -> bytes:
    """`raw` without percent-encoding, however often applied; each round makes it shorter."""
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
    """A segment without invisible characters, and without dots at its end."""
    seen = "".join(
        each
        for each in segment
        if each not in _BLANK and unicodedata.category(each)[0] not in _UNSEEN
    )
    return seen if seen in {".", ".."} else seen.rstrip(".")
