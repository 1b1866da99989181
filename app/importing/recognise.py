"""Whose file it is, by what is in it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from app.errors import ForeignFileError
from app.importing import aider, litellm, llama_swap, opencode, pi
from app.importing.found import Found, Left
from app.policy.yaml_tree import Spot


@dataclass(frozen=True, slots=True)
class Format:
    """One kind of file: how it is known, and how it is read."""

    name: str
    title: str
    sign: str  # what such a file has
    fits: Callable[[Spot], bool]
    read: Callable[[Spot], Iterator[Found | Left]]

    def __str__(self) -> str:
        """Render as a list of all formats does."""
        return f"{self.name} ({self.title}: {self.sign})"


FORMATS = (
    Format("litellm", "LiteLLM's proxy", "a list model_list", litellm.fits, litellm.read),
    Format("llama-swap", "llama-swap", "a mapping peers", llama_swap.fits, llama_swap.read),
    Format("pi", "pi's models.json", "a mapping providers", pi.fits, pi.read),
    Format("aider", "aider's model settings", "a list of names", aider.fits, aider.read),
    Format("opencode", "opencode.json", "a mapping provider", opencode.fits, opencode.read),
)
WHAT_CAN_BE_READ = ", ".join(map(str, FORMATS))


def recognise(root: Spot, name: str | None = None) -> Format:
    """The kind of file that this is, or is said to be.

    Raises `ForeignFileError` where it is none that we know, could be several, or isn't as said.
    """
    if name is not None:
        return _named(root, name)
    fitting = [each for each in FORMATS if each.fits(root)]
    if not fitting:
        why = "this is none of the files that can be imported"
        raise ForeignFileError(f"{root.file}: {why}: {WHAT_CAN_BE_READ}")
    if len(fitting) > 1:
        names = " or ".join(each.name for each in fitting)
        raise ForeignFileError(f"{root.file}: this may be of {names}; say which with --from")
    return fitting[0]


def _named(root: Spot, name: str) -> Format:
    for each in FORMATS:
        if each.name == name:
            if not each.fits(root):
                why = f"this is no file of {each.title}, which has {each.sign}"
                raise ForeignFileError(f"{root.file}: {why}")
            return each
    raise ForeignFileError(f"--from {name}: that is none of {WHAT_CAN_BE_READ}")
