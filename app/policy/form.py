"""A `multipart/form-data` body as slices of its own bytes: split it, change a part, join it again.

Pointsman and upstream must read the same values. So the reader is strict: a form that two readers
could interpret differently is refused, and nothing of it is sent.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from ..errors import MalformedBody

_MOST_PARTS = 64
_LARGEST_HEAD = 4096  # bytes, of one part
_LONGEST_TEXT = 4096  # bytes, of a part that is read as a value

_PARAMETER = r"""[ \t]*;[ \t]*([!#$&+.^_`|~0-9A-Za-z*-]+)=("[^"\\]*"|[^\s;"\\]+)"""
_CONTENT_TYPE = re.compile(rf"multipart/form-data((?:{_PARAMETER})*)[ \t]*", re.IGNORECASE)
_DISPOSITION = re.compile(rf"form-data((?:{_PARAMETER})+)[ \t]*", re.IGNORECASE)
_EACH = re.compile(_PARAMETER.removeprefix(r"[ \t]*"))  # for `findall`: no match starts at a blank
_BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,./:=?-]{1,70}")
_HEADER = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\r\n\0]*)")
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,100}(?:\[[A-Za-z0-9_]*\])*")
_AS_IT_IS = frozenset({"7bit", "8bit", "binary"})
_TEXTS = re.compile(
    r"(text/plain|application/json)([ \t]*;[ \t]*charset=\"?utf-8\"?)?", re.IGNORECASE
)
_READ = frozenset({"model", "provider"})  # parts that routing uses; other spellings are refused


class Part(NamedTuple):
    """One part: its name, where it begins (with its delimiter), its content, and its end."""

    name: str
    start: int
    content: int
    end: int
    is_file: bool


class Form(msgspec.Struct, frozen=True, gc=False):
    """A body that is a form; `boundary` separates its parts, dashes included."""

    body: bytes
    boundary: bytes
    parts: tuple[Part, ...]

    @property
    def fields(self) -> dict[str, msgspec.Raw]:
        """The parts as fields of a JSON object: `provider` unchanged, texts as strings.

        A file, or a text too long to be a value, is an empty string.
        """
        return {part.name: msgspec.Raw(self._value(part)) for part in self.parts}

    def _value(self, part: Part) -> bytes:
        content = self.body[part.content : min(part.end, part.content + _LONGEST_TEXT + 1)]
        if part.name == "provider":
            return self.body[part.content : part.end]
        if part.is_file or len(content) > _LONGEST_TEXT:
            return b'""'
        if content in {b"true", b"false"}:
            return content
        return msgspec.json.encode(content.decode("utf-8", "replace"))

    def edit(self, changes: Mapping[str, bytes | None]) -> bytes:
        """The form with some parts replaced, added in front, or (None) left out.

        Values are JSON; a string is written as its text. Every other byte is unchanged.
        """
        named = {part.name for part in self.parts}
        pieces: list[bytes | memoryview] = [
            self._part(name, value)
            for name, value in changes.items()
            if value and name not in named
        ]
        view, written = memoryview(self.body), set[str]()
        for part in self.parts:
            if part.name not in changes:
                pieces.append(view[part.start : part.end + 2])
                continue
            value = changes[part.name]
            if value and part.name not in written:
                pieces += [view[part.start : part.content], self._text(part.name, value), b"\r\n"]
            written.add(part.name)
        return b"".join((*pieces, view[self.parts[-1].end + 2 :]))

    def _part(self, name: str, value: bytes) -> bytes:
        head = b'\r\nContent-Disposition: form-data; name="%b"\r\n\r\n' % name.encode()
        return self.boundary + head + self._text(name, value) + b"\r\n"

    def _text(self, name: str, value: bytes) -> bytes:
        text = value
        if value.startswith(b'"'):
            text = str(msgspec.json.decode(value)).encode()
        if self.boundary in text:
            raise MalformedBody(
                f"the form's boundary occurs in the value of {name}; use another boundary"
            )
        return text


def is_form(content_type: bytes) -> bool:
    """Whether the content type declares a form."""
    return content_type.partition(b";")[0].strip().lower() == b"multipart/form-data"


def split_form(body: bytes, content_type: bytes) -> Form:
    """Split a body that is a form.

    Raises `MalformedBody` if it does not follow RFC 7578, or is ambiguous.
    """
    boundary = b"--" + _boundary(content_type)
    if not body.startswith(boundary + b"\r\n"):
        raise _malformed("it does not start with the boundary of its Content-Type header")
    parts: list[Part] = []
    start = 0
    while not parts or body[start + len(boundary) : start + len(boundary) + 2] != b"--":
        if len(parts) == _MOST_PARTS:
            raise _malformed(f"it has over {_MOST_PARTS} parts")
        parts.append(_part_at(body, start, boundary))
        start = parts[-1].end + 2
    if body[start + len(boundary) + 2 :] not in {b"", b"\r\n"}:
        raise _malformed("data follows the last boundary")
    if body.count(boundary) != len(parts) + 1:
        raise _malformed("the boundary occurs inside a part")
    for name in _READ:
        if sum(part.name == name for part in parts) > 1:
            raise _malformed(f"it has several parts named {name}")
    return Form(body, boundary, tuple(parts))


def _boundary(content_type: bytes) -> bytes:
    found = _CONTENT_TYPE.fullmatch(content_type.decode("latin-1").strip())
    named = _parameters(found[1]).get("boundary", "") if found else ""
    if not _BOUNDARY.fullmatch(named):
        raise _malformed("its Content-Type header has no boundary, or one that is not plain")
    return named.encode()


def _part_at(body: bytes, start: int, boundary: bytes) -> Part:
    """The part whose delimiter begins at `start`."""
    head = start + len(boundary) + 2
    if body[head - 2 : head] != b"\r\n":
        raise _malformed("a boundary is not followed by a line break")
    content = body.find(b"\r\n\r\n", head, head + _LARGEST_HEAD) + 4
    if content < head:
        raise _malformed("the headers of a part do not end, or exceed 4 kB")
    end = body.find(b"\r\n" + boundary, content)
    if end < 0:
        raise _malformed("its last boundary is missing")
    name, is_file = _named(body[head : content - 4])
    return Part(name, start, content, end, is_file)


def _named(head: bytes) -> tuple[str, bool]:
    """A part's name, and whether it is a file, from its headers."""
    headers: dict[str, str] = {}
    for line in head.split(b"\r\n"):
        header = _HEADER.fullmatch(line)
        key = header[1].decode().lower() if header else ""
        if header is None or key in headers:
            raise _malformed("a part has a header that is malformed or repeated")
        headers[key] = header[2].decode("latin-1").strip()
    if headers.get("content-transfer-encoding", "binary").lower() not in _AS_IT_IS:
        raise _malformed("a part has a transfer encoding")
    found = _DISPOSITION.fullmatch(headers.get("content-disposition", ""))
    parameters = _parameters(found[1]) if found else {}
    name = parameters.get("name", "")
    if not _NAME.fullmatch(name) or not parameters.keys() <= {"name", "filename", "filename*"}:
        raise _malformed("a part has no plain name")
    if re.split(r"[.\[]", name)[0].lower() in _READ:
        kind = headers.get("content-type", "text/plain")
        if name not in _READ or len(parameters) > 1 or not _TEXTS.fullmatch(kind):
            raise _malformed(f"the part {name} is not a plain text of that name")
    return name, len(parameters) > 1


def _parameters(text: str) -> dict[str, str]:
    found = _EACH.findall(text)
    parameters = {name.lower(): value.strip('"') for name, value in found}
    if len(parameters) < len(found):
        raise _malformed("a header has the same parameter twice")
    return parameters


def _malformed(why: str) -> MalformedBody:
    return MalformedBody(f"the form can't be read: {why}; send JSON, or correct the form")
