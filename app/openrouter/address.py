"""Whether upstream's address is the base of an API, judged by how it answers `GET /models`."""

import logging
from urllib.parse import urlsplit

from ..wire.listing import MOST_MODELS, NotAListing, slices_of

log = logging.getLogger("pointsman")

_OK, _REDIRECTS = 200, range(300, 400)
_NOT_THERE = frozenset({404, 405, 410})


class AddressWatch:
    """Logs once that the address is probably wrong: requests would fail without explanation."""

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url
        self._told = False

    def saw(self, status: int, body: bytes) -> None:
        """Note an answer to `GET /models`."""
        wrong = amiss(status, body)
        if wrong is None or self._told:
            return
        self._told = True
        log.warning(
            "GET %s/models %s, so POINTSMAN_UPSTREAM_URL is probably not the base URL of an "
            "API (OpenRouter's is https://openrouter.ai/api/v1); run pointsman doctor to find it",
            self._base_url,
            wrong,
        )


def amiss(status: int, body: bytes) -> str | None:
    """How `GET /models` was answered, if no API like OpenRouter's answers this way; else None.

    A refused key, a limit or a failure is not a sign of a wrong address.
    """
    if status == _OK:
        if is_list(body):
            return None
        page = body.lstrip()[:1] == b"<"
        return f"answers with {'a web page' if page else 'something else'} instead of a list"
    return f"answers {status}" if status in _NOT_THERE or status in _REDIRECTS else None


def is_list(body: bytes) -> bool:
    """Whether a body is a list of models."""
    try:
        slices_of(body, most=MOST_MODELS)
    except NotAListing:
        return False
    return True


def others(url: str) -> tuple[str, ...]:
    """Addresses on the same host that may be intended by a wrong one, likeliest first."""
    parts = urlsplit(url)
    at = f"{parts.scheme}://{parts.netloc}"
    tried = [f"https://{parts.netloc}{parts.path}"] if parts.scheme == "http" else []
    tried += [f"{at}/api/v1", f"{url}/api/v1", f"{url}/v1", f"{at}/v1", url.rpartition("/")[0], at]
    return tuple(
        dict.fromkeys(each for each in tried if each != url and len(each) > len("https://"))
    )
