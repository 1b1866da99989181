"""Takes secrets out of texts, whatever they are: the last guard before a text leaves the machine.

Nothing here is written with a secret in it on purpose. But an error may quote a URL, and another
program on Pointsman's port may echo the headers that it got.
"""

import json
import re
from dataclasses import dataclass
from typing import Self
from urllib.parse import parse_qsl, quote, unquote

from pydantic import SecretStr

from ..settings import Settings
from ..shown import json_text

REMOVED = "[removed]"
_SHORTEST = 4  # characters; a shorter one is found in any text
_PASSWORDS = frozenset({"password", "sslpassword"})
_KEY_OF_OPENROUTER = re.compile(r"sk-or-[\w-]{4,}")


@dataclass(frozen=True, slots=True)
class Redaction:
    """The secrets to take out: those of the settings, and each key of OpenRouter's shape."""

    secrets: tuple[str, ...]  # the longest first: one may be a part of another

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """All secrets of these settings, as written and as they are sent."""
        found: set[str] = set()
        for name in type(settings).model_fields:
            value = getattr(settings, name)
            secrets = value.values() if isinstance(value, dict) else (value,)
            found |= {each.get_secret_value() for each in secrets if isinstance(each, SecretStr)}
        found.discard(settings.ledger())  # its passwords are the secrets
        found |= _passwords_of(settings.ledger())
        written = {form for each in found if len(each) >= _SHORTEST for form in _forms(each)}
        return cls(tuple(sorted(written, key=lambda each: (-len(each), each))))

    def applied(self, text: str) -> str:
        """The text without them."""
        for each in self.secrets:
            text = text.replace(each, REMOVED)
        return _KEY_OF_OPENROUTER.sub(REMOVED, text)


def _forms(secret: str) -> set[str]:
    """A secret as it is, in JSON, in a URL, and as Python writes texts inside others."""
    in_json = {json.dumps(secret)[1:-1], json_text(secret)[1:-1]}
    return {secret, *in_json, quote(secret, safe=""), repr(secret)[1:-1]}


def _passwords_of(url: str) -> set[str]:
    """The passwords of a ledger's URL, read as generously as any driver may read it."""
    before, _, query = url.partition("?")
    found = {value for name, value in parse_qsl(query) if name.lower() in _PASSWORDS}
    for each in (before, url):
        credentials = each.rpartition("@")[0].partition("://")[2]
        raw = credentials.partition(":")[2]
        found |= {raw, unquote(raw)} if raw else set()
    return found
