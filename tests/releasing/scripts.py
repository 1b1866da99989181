"""The scripts in `.ci`, which are no package, as modules."""

import importlib.util
from types import ModuleType

from tests.test_docs import DOCS

ROOT = DOCS.parent
CI = ROOT / ".ci"


def script(name: str) -> ModuleType:
    """`.ci/NAME.py`, not run as a program."""
    spec = importlib.util.spec_from_file_location(name, CI / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
