"""The installed command: the path that a service may start for years."""

import os
from collections.abc import Iterator
from pathlib import Path

from ..errors import ServiceError

_TAG = "CACHEDIR.TAG"  # https://bford.info/cachedir: uv's cache has one, and so has each venv


def installed_command(program: str, python: str) -> Path:
    """The absolute path of the `pointsman` that runs, links in it kept.

    `program` is how it was called (`sys.argv[0]`), `python` the interpreter. The link that pipx, uv
    or Homebrew makes stays the same from version to version, and what it leads to may not. Raises
    `ServiceError` if there is no such command, or if it is in a cache that deletes it some day.
    """
    for each in (Path(program), Path(python).parent / "pointsman"):
        found = Path(os.path.abspath(each))  # noqa: PTH100 - `resolve` would follow the link
        if found.name == "pointsman" and found.is_file() and os.access(found, os.X_OK):
            if _is_passing(found):
                raise ServiceError(
                    f"{found} is in a cache, from which it may be deleted at any time; install "
                    "Pointsman (uv tool install, or pipx install) and repeat this with the "
                    "installed command"
                )
            return found
    raise ServiceError(
        f"there is no installed command pointsman beside {python}; install Pointsman (pip install "
        "., uv tool install or pipx install) and repeat this with the installed command"
    )


def _is_passing(found: Path) -> bool:
    """Whether a program is run from a cache, as by `uvx` or `pipx run`."""
    return any(_is_cache(folder) for each in (found, found.resolve()) for folder in _above(each))


def _above(program: Path) -> Iterator[Path]:
    """The folders above the environment that has the program in its folder `bin`."""
    yield from program.parent.parent.parents


def _is_cache(folder: Path) -> bool:
    return folder.name in {".cache", "Caches"} or (folder / _TAG).is_file()
