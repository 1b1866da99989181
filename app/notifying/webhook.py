"""The webhook: where messages go, and in which shape."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, Self
from urllib.parse import unquote, urlsplit

from ..notices.shapes import FORMATS, Format

_NAMED: Mapping[str, Format] = {each: each for each in FORMATS}
_SLACKS = frozenset({"hooks.slack.com", "hooks.slack-gov.com"})


class Secret(Protocol):
    """A text that can't be printed, as settings hold it."""

    def get_secret_value(self) -> str:
        """The text itself."""
        ...


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where to post what. Its URL and its secret are never shown."""

    url: str = field(repr=False)
    form: Format
    topic: str = field(default="", repr=False)  # for ntfy
    secret: str | None = field(default=None, repr=False)

    @classmethod
    def of(cls, url: Secret, form: str, secret: Secret | None) -> Self:
        """The webhook of the settings. The format `auto` is the one that the URL asks for.

        Ntfy takes JSON at its server's root, so that its topic is cut off the URL.
        """
        where = url.get_secret_value()
        shape = _NAMED.get(form) or format_of(where)
        topic = ""
        if shape == "ntfy":
            parts = urlsplit(where)
            root, _, last = parts.path.rstrip("/").rpartition("/")
            where, topic = parts._replace(path=f"{root}/").geturl(), unquote(last)
        return cls(where, shape, topic, secret.get_secret_value() if secret else None)


def format_of(url: str) -> Format:
    """The format that a URL asks for by its host or path; `json` if it names none."""
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    if host in _SLACKS or parts.path.endswith("/slack"):
        return "slack"
    return "ntfy" if host == "ntfy.sh" or host.startswith("ntfy.") else "json"
