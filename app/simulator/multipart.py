"""Forms with a file: the fields of a multipart body."""

import json
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any

from .json_text import without_halves
from .refusals import Refusal

_KIND = "multipart/form-data"


def is_form(content_type: str) -> bool:
    """Whether a body of this type is a form."""
    return content_type.partition(";")[0].strip().lower() == _KIND


def form_fields(content_type: str, raw: bytes) -> dict[str, Any]:
    """The fields as in a JSON body: texts, and `provider` as a parsed object.

    A file is represented by its size. Raises the 400 for a `provider` that is not JSON.
    """
    head = f"Content-Type: {content_type}\r\n\r\n".encode("latin-1", "replace")
    form = BytesParser(policy=HTTP).parsebytes(head + raw)
    fields: dict[str, Any] = {}
    for part in form.iter_parts():
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        if not isinstance(name, str) or not isinstance(content, bytes):
            continue
        text = content.decode("utf-8", "replace")
        fields[name] = len(content) if part.get_filename() is not None else text
    if isinstance(told := fields.get("provider"), str):
        try:
            fields["provider"] = json.loads(without_halves(told.encode()))
        except (ValueError, RecursionError):
            raise Refusal(400, "provider: Invalid JSON") from None
    return fields
