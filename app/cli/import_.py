"""`pointsman import`: converts another tool's provider settings to a policy file."""

import sys
from pathlib import Path

from ..errors import ForeignFileError
from ..importing.policy_file import Imported, import_file
from ..shown import one_line

_MOST_BYTES = 2_000_000
_MOST_SHOWN = 20


def print_imported(file: Path, tool: str | None) -> None:
    """Print the policy file to stdout, and to stderr the settings that it doesn't contain.

    Raises `ForeignFileError` if `file` can't be read, or is not of a known kind.
    """
    imported = import_file(file.name, _text(file), tool)
    sys.stdout.write(imported.text)
    sys.stderr.write("".join(f"{one_line(line)}\n" for line in _summary(file, imported)))


def _text(file: Path) -> str:
    try:
        with file.open("rb") as source:
            content = source.read(_MOST_BYTES + 1)
        if len(content) > _MOST_BYTES:
            raise ForeignFileError(f"{file}: it is over {_MOST_BYTES // 1_000_000} MB long")
        return content.decode()
    except (OSError, UnicodeDecodeError) as error:
        raise ForeignFileError(f"{file}: can't be read: {error}") from None


def _summary(file: Path, imported: Imported) -> list[str]:
    left = imported.left
    written = f"rules {imported.rules}, aliases {imported.aliases}"
    head = f"{file}, read as {imported.tool}: {written}, left out or changed {len(left)}"
    lines = [head, *(f"  {each}" for each in left[:_MOST_SHOWN])]
    if len(left) > _MOST_SHOWN:
        lines.append(f"  and {len(left) - _MOST_SHOWN} more, in the comments at the top")
    return lines
