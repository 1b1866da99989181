# ruff: noqa: INP001 - a script, and no package is around it
"""The build's hook: in an editable installation, the package has its wheel's name, too.

The wheel has `app/` as `pointsman` (docs/adr/0023). An editable installation has this folder on the
path instead, where the package is `app`; so the command needs a `pointsman` that leads there.
"""

import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_LEADS_TO_APP = '''\
"""The package of this checkout, under the name that it has in the wheel."""

from app import __path__ as __path__, __version__ as __version__
'''


class Hook(BuildHookInterface):  # type: ignore[type-arg]
    """Found by hatchling, which looks for a subclass of its own class."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add one file to an editable installation, and nothing to any other wheel."""
        if version == "editable":
            self._folder = tempfile.TemporaryDirectory()
            made = Path(self._folder.name, "__init__.py")
            made.write_text(_LEADS_TO_APP, encoding="utf-8")
            build_data["force_include_editable"] = {str(made): "pointsman/__init__.py"}

    def finalize(self, version: str, _build_data: dict[str, Any], _artifact_path: str) -> None:
        """Remove what was made."""
        if version == "editable":
            self._folder.cleanup()
