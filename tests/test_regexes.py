"""No expression takes for ever: callers, upstream and files choose the text that it looks at."""

import ast
import importlib
import inspect
import pkgutil
import re
import time
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import NamedTuple

import pytest

import app
from app.policy.pattern import glob

ROOT = Path(app.__file__).parent
AT_THE_START = {"compile", "match", "fullmatch"}
ANYWHERE = {"search", "sub", "split", "findall", "finditer"}

LONG = 20_000
MOST_SECONDS = 0.5  # a thousand times what one look takes, and a tenth of a look for each character
FIRST = ["", "0", "1", ".", '"', "/*", "{", "a", "-", "write ", "/models/", "https://"]
AGAIN = [
    "0",
    "_",
    ".",
    "-",
    "/",
    "a",
    " ",
    "\n",
    '"',
    "\\",
    "*",
    "0_",
    "a-",
    "a.",
    "%25",
    "\\u",
    "//",
]
LAST = ["", "!", "\0", '"', "x"]


class Found(NamedTuple):
    """An expression, and whether it is looked for at every place of a text."""

    where: str
    pattern: re.Pattern[str] | re.Pattern[bytes]
    anywhere: bool


def written() -> Iterator[Found]:
    """Every expression that is written out where it is used, or as the pattern of a shape."""
    for module in sorted(ROOT.rglob("*.py")):
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            _, _, how = ast.unparse(node.func).rpartition("re.")
            looked = node.args[:1] if how in AT_THE_START | ANYWHERE else []
            for each in (*looked, *(word.value for word in node.keywords if word.arg == "pattern")):
                if isinstance(each, ast.Constant) and isinstance(each.value, str | bytes):
                    where = f"{module.relative_to(ROOT)}:{node.lineno}"
                    yield Found(where, re.compile(each.value), how in ANYWHERE)


def kept() -> Iterator[Found]:
    """Every expression that a module keeps, also one that is put together."""
    for found in pkgutil.walk_packages(app.__path__, "app."):
        if ".migrations" in found.name or found.name.endswith("__main__"):
            continue
        module = importlib.import_module(found.name)
        used = set(re.findall(r"(\w+)\.(?:search|sub|split|find\w+)\(", inspect.getsource(module)))
        for name, value in vars(module).items():
            if isinstance(value, re.Pattern):
                yield Found(f"{found.name}.{name}", value, name in used)


PATTERNS = [*written(), *kept()]


def test_all_of_them_are_found() -> None:
    places = " ".join(found.where for found in PATTERNS)
    for known in (
        "slices",
        "yaml_tree",
        "exact_numbers",
        "paths",
        "lenient",
        "moments",
        "settings",
    ):
        assert known in places
    assert {found.where for found in PATTERNS if found.anywhere} > {"app.wire.lenient._ESCAPE"}


@pytest.mark.parametrize("found", PATTERNS, ids=lambda found: found.where)
def test_a_long_text_is_read_in_one_go(found: Found) -> None:
    pattern = found.pattern
    for first, again, last in product(FIRST, AGAIN, LAST):
        chosen = first + again * (LONG // len(again)) + last
        text = chosen.encode() if isinstance(pattern.pattern, bytes) else chosen
        began = time.process_time()
        pattern.fullmatch(text)  # type: ignore[arg-type]
        if found.anywhere:
            pattern.search(text)  # type: ignore[arg-type]
        took = time.process_time() - began
        assert took < MOST_SECONDS, f"{took:.1f} s for {first!r} + {again!r} * n + {last!r}"


def test_many_stars_in_a_pattern_of_models_are_no_trap() -> None:
    began = time.process_time()
    assert not glob("*a" * 30 + "*b").match("a" * 256)
    assert time.process_time() - began < MOST_SECONDS
