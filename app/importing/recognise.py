"""Recognise which tool a file belongs to, by its content."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ..errors import ForeignFileError
from ..policy.file.yaml_tree import Spot
from . import (
    aider,
    claude_code_router,
    cline,
    continue_dev,
    librechat,
    litellm,
    llama_swap,
    opencode,
    pi,
    qwen_code,
    zed,
)
from .found import Found, Left
from .unread import look

_MOST_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Format:
    """One file format: how it is recognised, and how it is read."""

    name: str
    title: str
    sign: str  # the content of such a file
    fits: Callable[[Spot], bool]
    read: Callable[[Spot], Iterator[Found | Left]]

    def __str__(self) -> str:
        """Render for the list of all formats."""
        return f"{self.name} ({self.title}: {self.sign})"


_FORMATS = (
    ("litellm", "LiteLLM's proxy", "a list model_list", litellm),
    ("llama-swap", "llama-swap", "a mapping peers", llama_swap),
    ("pi", "pi's models.json", "a mapping providers", pi),
    ("aider", "aider's model settings", "a list of names", aider),
    ("opencode", "opencode.json", "a mapping provider", opencode),
    ("claude-code-router", "claude-code-router", "Providers with api_base_url", claude_code_router),
    ("qwen-code", "qwen-code", "modelProviders or model.generationConfig", qwen_code),
    ("zed", "Zed", "a mapping language_models", zed),
    ("continue", "Continue", "models, each with provider and model", continue_dev),
    ("librechat", "LibreChat", "a list endpoints.custom", librechat),
    ("cline", "Cline, Roo Code or Kilo Code", "providerProfiles or openRouter keys", cline),
)
FORMATS = tuple(
    Format(name, title, sign, module.fits, module.read) for name, title, sign, module in _FORMATS
)
WHAT_CAN_BE_READ = ", ".join(map(str, FORMATS))


def recognise(root: Spot, name: str | None = None) -> Format:
    """The format of a file: the given one, or the one recognised by its content.

    Raises `ForeignFileError` if the format is unknown, ambiguous, or not the given one.
    """
    if name is not None:
        return _named(root, name)
    fitting = [each for each in FORMATS if each.fits(root)]
    if not fitting:
        why = "not one of the files that can be imported"
        raise ForeignFileError(f"{root.file}: {why}: {WHAT_CAN_BE_READ}{_settings(root)}")
    if len(fitting) > 1:
        names = " or ".join(each.name for each in fitting)
        raise ForeignFileError(f"{root.file}: this may be {names}; choose with --from")
    return fitting[0]


def _settings(root: Spot) -> str:
    """The positions of likely provider settings in a file of unknown format."""
    places = [f"line {each.place.line} ({each.place.where})" for each in look(root)]
    more = f" and {len(places) - _MOST_SHOWN} more" if len(places) > _MOST_SHOWN else ""
    shown = ", ".join(places[:_MOST_SHOWN])
    return f"; it seems to have provider settings in {shown}{more}" if places else ""


def _named(root: Spot, name: str) -> Format:
    for each in FORMATS:
        if each.name == name:
            if not each.fits(root):
                why = f"this is not a file of {each.title}, which has {each.sign}"
                raise ForeignFileError(f"{root.file}: {why}")
            return each
    raise ForeignFileError(f"--from {name}: not one of {WHAT_CAN_BE_READ}")
