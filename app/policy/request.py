"""Reads the parts of a request that a policy needs, without parsing the rest."""

import json
from collections.abc import Mapping
from typing import Any

import msgspec

from ..catalog.trimming import trimmed
from ..errors import MalformedBody, MissingModel
from .form import Form, split_form
from .slices import Fields, split

_LONGEST_MODEL = 256  # far above any slug; a pattern has to scan all of it
_MOST_MODELS = 32  # upstream takes four; each is matched with all rules, and cached
_DEEPEST = 50  # far above any provider object; joining and comparing recurse
_MOST_ENTRIES = 500  # of one list in it; OpenRouter has some hundred providers
_LARGEST_KB = 256  # of a field that is read whole, on the event loop

# Errors of msgspec for a value that `split` found the end of, but that is invalid inside.
UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class Request(msgspec.Struct, frozen=True, gc=False):
    """One request body, split at its top level."""

    body: bytes  # the caller's own bytes; rebuilt only if a key was given twice
    fields: Fields
    models: tuple[str, ...]  # every model that may answer, the first choice first
    streamed: bool
    provider: Mapping[str, Any] | None  # the caller's own preferences, decoded
    form: Form | None = None  # if the body is a form, and not a JSON object

    @property
    def names_model(self) -> bool:
        """Whether `model` itself names one, and not only a list of fallbacks."""
        return bool(trimmed(_text(self.fields, "model") or ""))

    @property
    def model(self) -> str:
        """The first choice."""
        return self.models[0]


def read_request(body: bytes) -> Request:
    """Read a JSON body.

    Raises `MalformedBody` if it is not a JSON object or a field that a policy reads has the wrong
    type, and `MissingModel` if it names no model at all.
    """
    return _request(*split(body))


def read_form(body: bytes, content_type: bytes) -> Request:
    """Read a form body. Raises the errors of `read_request` and `split_form`."""
    form = split_form(body, content_type)
    return _request(body, form.fields, form)


def _request(body: bytes, fields: Fields, form: Form | None = None) -> Request:
    return Request(
        body=body,
        fields=fields,
        models=_models(fields),
        streamed="stream" in fields and bytes(fields["stream"]) == b"true",
        provider=_object(fields, "provider"),
        form=form,
    )


def request_for(model: str, provider: Mapping[str, Any] | None = None) -> Request:
    """Build a request with a model and, optionally, a `provider` object."""
    return read_request(msgspec.json.encode({"model": model, "provider": provider}))


def is_given(raw: msgspec.Raw | None) -> bool:
    """Whether a field has an effect: null and an empty list don't."""
    return raw is not None and bytes(raw).translate(None, b" \t\n\r") not in {b"null", b"[]"}


def decoded(name: str, raw: msgspec.Raw) -> Any:
    """Decode a field that a policy reads. Raises `MalformedBody` for a huge one."""
    _be_bounded(name, raw)
    try:
        return msgspec.json.decode(raw)
    except UNREADABLE as error:
        raise MalformedBody(f"{name} can't be read: {error}") from None


def _be_bounded(name: str, raw: msgspec.Raw) -> None:
    if len(raw) > _LARGEST_KB * 1024:
        raise MalformedBody(f"{name} is over {_LARGEST_KB} kB; that is too large for a request")


def _models(fields: Fields) -> tuple[str, ...]:
    """Every model that may answer; without `model`, the first of `models` is the first choice."""
    named = _text(fields, "model")
    first = (named,) if named and trimmed(named) else ()
    models = (*first, *_listed_models(fields), *_anthropic_fallbacks(fields))
    if not models:
        raise MissingModel("`model` is missing or empty; set it to a model slug or an alias")
    if len(models) > _MOST_MODELS:
        raise MalformedBody(f"the request lists more than {_MOST_MODELS} models; list fewer")
    if any(len(name) > _LONGEST_MODEL for name in models):
        raise MalformedBody(f"a model name exceeds {_LONGEST_MODEL} characters")
    return models


def _listed_models(fields: Fields) -> tuple[str, ...]:
    """OpenRouter's own list of models to fall back to."""
    if "models" not in fields:
        return ()
    models = decoded("models", fields["models"])
    if models is None:
        return ()
    if not isinstance(models, list) or not all(isinstance(each, str) for each in models):
        raise MalformedBody("models must be a list of model names")
    return tuple(models)


def _anthropic_fallbacks(fields: Fields) -> tuple[str, ...]:
    """Every model named in `fallbacks`, even if one entry names two (the last would win).

    On paths other than `/messages` the field has no meaning, so its shape is not an error.
    An unreadable field is refused: upstream might read it, and find models that no rule covered.
    """
    if "fallbacks" not in fields:
        return ()
    _be_bounded("fallbacks", fields["fallbacks"])
    try:
        entries = _as_javascript_reads(bytes(fields["fallbacks"]), object_pairs_hook=tuple)
    except RecursionError:
        raise MalformedBody("`fallbacks` is nested too deep") from None
    listed = entries if isinstance(entries, list) else []
    pairs = [pair for entry in listed if isinstance(entry, tuple) for pair in entry]
    return tuple(value for key, value in pairs if key == "model" and isinstance(value, str))


def _text(fields: Fields, name: str) -> str | None:
    value = decoded(name, fields[name]) if name in fields else None
    if value is not None and not isinstance(value, str):
        raise MalformedBody(f"{name} must be a string")
    return value


def _object(fields: Fields, name: str) -> dict[str, Any] | None:
    value = decoded(name, fields[name]) if name in fields else None
    if value is not None and not isinstance(value, dict):
        raise MalformedBody(f"{name} must be an object")
    if _deeper(value, _DEEPEST):
        raise MalformedBody(f"{name} is nested more than {_DEEPEST} levels deep")
    for field, entries in (value or {}).items():
        if isinstance(entries, list) and len(entries) > _MOST_ENTRIES:
            raise MalformedBody(
                f"{name}.{field} has {len(entries)} entries; send at most {_MOST_ENTRIES}"
            )
    return value


def _deeper(value: Any, levels: int) -> bool:
    inside = value.values() if isinstance(value, dict) else value
    if not isinstance(value, dict | list):
        return False
    return levels == 0 or any(_deeper(each, levels - 1) for each in inside)


def _as_javascript_reads(raw: bytes, **how: Any) -> Any:
    """Decode a value with all that JavaScript accepts: half surrogates, bytes that aren't UTF-8.

    Integers are read as floats, as in JavaScript, so that none is too long to be read.
    """
    return json.loads(raw.decode("utf-8", "replace"), parse_int=float, **how)
