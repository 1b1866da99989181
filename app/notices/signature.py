"""The headers of a message: its id, and a signature by which a receiver knows its sender. PURE."""

import hashlib
import hmac
from collections.abc import Mapping

ID, SIGNATURE = "x-pointsman-notice", "x-pointsman-signature"


def headers_of(notice_id: str, body: bytes, secret: str | None) -> Mapping[str, str]:
    """The headers of a message; signed over exactly these bytes if there is a secret."""
    headers = {"content-type": "application/json", ID: notice_id}
    if secret is not None:
        digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        headers[SIGNATURE] = f"sha256={digest}"
    return headers
