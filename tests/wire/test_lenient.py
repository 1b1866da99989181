"""No spelling of an inference path, however leniently it is read, is anything but ours."""

import re
import sys
import unicodedata
from collections.abc import Callable
from urllib.parse import quote, unquote, unquote_to_bytes

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from app.relay.passthrough import sent_path
from app.wire.dialect import DIALECTS
from app.wire.lenient import readings
from app.wire.paths import canonical_path, nearly


def is_ours(target: str) -> bool:
    """Whether a path that a caller sends is held to policy, or refused as nearly such a path.

    As the server, `canonical_path` and the passthrough see it, one after the other.
    """
    path = canonical_path(unquote(target))
    return path in DIALECTS or nearly(sent_path(path)) is not None


def full_width(text: str) -> str:
    return "".join(chr(ord(each) + 0xFEE0) if "!" <= each <= "~" else each for each in text)


def escaped(text: str) -> str:
    return "".join(f"%{byte:02x}" for byte in text.encode())


def overlong(text: str) -> str:
    return "".join(f"%{0xC0 | ord(each) >> 6:x}%{0x80 | ord(each) & 63:x}" for each in text)


# What may be done to one character, and to a whole path, again and again.
CHARACTERS: dict[str, Callable[[str], str]] = {
    "as it is": lambda each: each,
    "escaped": escaped,
    "escaped twice": lambda each: escaped(escaped(each)),
    "escaped thrice": lambda each: quote(escaped(escaped(each))),
    "for IIS": lambda each: f"%u{ord(each):04x}",
    "full width": lambda each: escaped(full_width(each)),
    "full width, escaped twice": lambda each: quote(escaped(full_width(each))),
    "overlong": lambda each: quote(overlong(each)),
    "upper case": str.upper,
    "after a mark": lambda each: "%EF%BB%BF" + each,
    "after a tab": lambda each: "%09" + each,
    "before a joiner": lambda each: each + "%E2%80%8D",
}
SLASHES = [
    "/",
    "//",
    "/./",
    "/x/../",
    "/x/%2e%2e/",
    "/x/%252e%252e%252f",
    "\\",
    "%2f",
    "%5C",
    "/;a=1/",
]
SLASHES += ["/%EF%BC%8E/", "/%u2215", "/x/..;a/", "/%c2%a0/", "/x/%E2%80%A5/"]
ENDS = [
    "",
    "/",
    "//",
    ".",
    ";a=1",
    "%3b",
    "%3Fx=1",
    "%23x",
    "%00x",
    "%20",
    ".%20",
    "/%20/",
    "+",
]
ENDS += ["%EF%BB%BF", "%0d%0a", "...", ";/x", "%253Fx", "/x/..", "%E2%80%AE"]
STARTS = ["/v1", "/api/v1", "", "//v1/", "/%761", "/v1/../api/v1", "/API/V1", "/v1/x/../"]


@given(
    st.sampled_from(STARTS),
    st.sampled_from(list(DIALECTS)),
    st.data(),
    st.sampled_from(ENDS),
)
def test_however_an_inference_path_is_written_it_is_ours(
    start: str, path: str, data: st.DataObject, end: str
) -> None:
    ways = st.sampled_from(list(CHARACTERS.values()))
    segments = [
        "".join(data.draw(ways)(each) for each in segment) for segment in path.strip("/").split("/")
    ]
    slashes = st.sampled_from(SLASHES)
    target = start + "".join(data.draw(slashes) + segment for segment in segments)
    # One server takes a segment's parameters off, another all that follows; none does both.
    assume(not (end == ";/x" and ";" in target))
    assert is_ours(target + end), target + end


def names_a_route(sent: str) -> bool:
    """Another lenient reader, written another way: it undoes all, and again, and looks."""
    seen = ""
    text = sent
    while text != seen:
        seen = text
        text = unquote_to_bytes(text.encode()).decode("utf-8", "ignore")
        text = unicodedata.normalize("NFKC", text).lower().replace("\\", "/")
    text = re.split(r"[?#]", text)[0]
    text = re.sub(r"[\x00-\x20\x7f\ufeff\u200b-\u200f]", "", text)
    segments: list[str] = []
    for segment in re.sub(r";[^/]*", "", text).split("/"):
        if segment == "..":
            del segments[-1:]
        elif segment.rstrip("."):
            segments.append(segment.rstrip("."))
    while segments[:1] in (["api"], ["v1"]):
        del segments[0]
    return "/" + "/".join(segments) in DIALECTS


PIECES = ["chat", "completions", "v1", "messages", "files", "..", ".", "", "CHAT", "%63hat", "a"]
PIECES += ["%2e%2e", "%252e%252e", "ch\uff41t", "completions;x", "completions.", "com%00pletions"]
PIECES += ["\ufeffchat", "chat%2fcompletions", "chat%255ccompletions", "messages%3fx", "me\tssages"]


@given(st.lists(st.sampled_from(PIECES), max_size=6))
def test_what_another_reader_takes_for_an_inference_path_is_ours(pieces: list[str]) -> None:
    target = "/v1/" + quote("/".join(pieces), safe="/%;")
    if names_a_route(sent_path(canonical_path(unquote(target)))):
        assert is_ours(target), target


@pytest.mark.parametrize(
    "target",
    [
        *("/v1/models", "/v1/files/x;y", "/v1/beta/chat/completions", "/", "/v1", "/v1/chat"),
        *("/v1/chat/completions/x", "/v1/responses/compact", "/v1/messages/count_tokens"),
        *("/v1/files/%252e%252e/parts", "/v1/messages_", "/v1/key", "/v1/chat/completion"),
        *("/v1/files/100%25", "/v1/files/%E4%B8%AD%E6%96%87", "/v1/a%2Fb"),
    ],
)
def test_other_paths_are_not(target: str) -> None:
    assert not is_ours(target)


@pytest.mark.parametrize("path", ["/v1/chat/com%00pletions", "/v1/chat/completions%00x"])
def test_a_nul_is_read_over_or_ends_the_path(path: str) -> None:
    assert is_ours(path)


@pytest.mark.parametrize("path", ["%25" * 2700 + "63hat", "%" * 8192, "%25" * 2730, "..%2f" * 1600])
def test_a_path_made_to_be_read_again_and_again_is_read_soon(path: str) -> None:
    assert nearly(path) is None


@given(st.text(max_size=30))
def test_any_text_can_be_read(text: str) -> None:
    assert all(isinstance(read, str) for read in readings(text))


def test_no_character_is_read_for_ever() -> None:
    for each in map(chr, range(sys.maxunicode + 1)):
        if not each == unicodedata.normalize("NFKC", each) == each.upper() == each.casefold():
            once, *_ = readings(each)
            assert next(readings(once)) == once, hex(ord(each))
