"""Imports point down: each room may know the rooms listed for it, and no other."""

import ast
import graphlib
import subprocess
import sys
from pathlib import Path

import pytest

import app

ROOT = Path(app.__file__).parent

# Room -> what of ours it may import beside itself. A room that isn't here fails the first test.
# `docs/architecture.md` draws this table.
_FACTS = {"errors", "exact_numbers", "suggest", "surrogates", "wording"}
_PURE_ROOMS = {*_FACTS, "catalog", "policy", "wire"}
MAY_IMPORT = {
    "errors": set(),
    "shown": set(),
    "suggest": set(),
    "surrogates": set(),
    "wording": set(),
    "exact_numbers": set(),
    "catalog": _FACTS,
    "wire": _FACTS,
    "tools": _FACTS,
    "policy": {*_FACTS, "catalog"},
    "policy.file": {*_FACTS, "catalog", "policy", "wire"},
    "policy.verdict": {*_FACTS, "catalog", "policy"},
    "policy.forecast": {*_FACTS, "catalog", "policy"},
    "policy.lint": {*_FACTS, "catalog", "policy", "policy.forecast", "wire"},
    "importing": {*_FACTS, "catalog", "policy", "policy.file"},
    "defects": {*_FACTS, "wire"},
    "audit": {*_FACTS, "catalog"},
    "settings": {*_FACTS, "wire"},
    "ledger": {*_FACTS, "defects"},
    "known_audits": {*_FACTS, "audit", "catalog", "ledger"},
    "telemetry": {*_FACTS, "ledger"},
    "budget": {*_FACTS, "ledger", "policy"},
    "notices": {*_FACTS, "shown"},
    "units": _FACTS,
    "notifying": {
        *_FACTS,
        *("budget", "catalog", "ledger", "notices", "openrouter", "policy", "policy.forecast"),
    },
    "openrouter": {*_FACTS, "catalog", "wire"},
    "policy_folder": {*_FACTS, "policy", "policy.file"},
    "policy_report": {*_FACTS, "catalog", "policy", "policy.lint", "policy_folder"},
    "server": {*_FACTS, "settings", "shown", "telemetry", "wire"},
    "record": {
        "defects",
        *_PURE_ROOMS,
        *("policy.verdict", "budget", "known_audits", "ledger", "openrouter"),
        *("server", "telemetry"),
    },
    "relay": {
        *_PURE_ROOMS,
        *("policy.forecast", "policy.verdict"),
        *("budget", "openrouter", "policy_folder", "record", "server"),
    },
    "auditing": {
        *_PURE_ROOMS,
        *("audit", "budget", "ledger", "openrouter", "policy_folder", "record", "relay", "server"),
        *("settings", "telemetry"),
    },
    "api": {
        *_PURE_ROOMS,
        *("policy.forecast", "policy.lint", "policy.verdict"),
        *(
            "audit",
            "known_audits",
            "budget",
            "ledger",
            "notifying",
            "openrouter",
            "policy_folder",
            "policy_report",
            "record",
            "relay",
            "server",
            "shown",
        ),
        *("settings", "telemetry"),
    },
    "dashboard": {
        *_FACTS,
        *("catalog", "policy", "policy.forecast", "policy.lint"),
        *("audit", "budget", "known_audits", "ledger", "notices", "policy_folder", "server"),
        *("shown", "telemetry"),
    },
    "simulator": set(),
}
DOORS_OUT = {"main", "cli", "__main__", "__init__"}  # they may know every room

# What the pure rooms may use beside the standard library; the client of the rest is FastAPI's.
PURE: dict[str, set[str]] = {
    "exact_numbers": set(),
    "shown": set(),
    "suggest": set(),
    "surrogates": set(),
    "wording": set(),
    "policy": {"msgspec", "yaml"},
    "importing": {"msgspec", "yaml"},
    "catalog": {"msgspec"},
    "wire": {"msgspec"},
    "tools": {"yaml"},
    "audit": {"msgspec"},
    "defects": {"jsonschema", "msgspec", "referencing"},
    "notices": {"msgspec"},
    "units": set(),
}
IMPURE_STDLIB = {
    *("asyncio", "datetime", "http", "io", "logging", "os", "pathlib", "random", "shutil"),
    *("socket", "sqlite3", "ssl", "subprocess", "tempfile", "threading", "time", "urllib"),
}

MODULES = sorted(ROOT.rglob("*.py"))


SUBROOMS = {name for name in MAY_IMPORT if "." in name}


def room_of(module: Path) -> str:
    return room_of_name(".".join(module.relative_to(ROOT).with_suffix("").parts))


def room_of_name(name: str) -> str:
    """The room of a module by its name without `app`: `policy.file.parse` is in `policy.file`."""
    inner = ".".join(name.split(".")[:2])
    return inner if inner in SUBROOMS else name.split(".", maxsplit=1)[0]


def outer_room_of(module: Path) -> str:
    return room_of(module).split(".")[0]


def is_pure(module: Path) -> bool:
    return outer_room_of(module) in PURE


def name_of(module: Path) -> str:
    return ".".join(("app", *module.relative_to(ROOT).with_suffix("").parts))


def source_of(node: ast.ImportFrom, module: Path) -> str:
    """The full name of what is imported from, where the package is called `app`."""
    assert (node.module or "").partition(".")[0] != "app", f"{module}: import by place"
    package = name_of(module).split(".")[: -node.level] if node.level else []
    return ".".join([*package, *([node.module] if node.module else [])])


def imports_of(module: Path) -> set[str]:
    tree = ast.parse(module.read_text(encoding="utf-8"))
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            name = source_of(node, module)
            found.add(name)
            found |= {f"{name}.{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_room_knows_only_the_rooms_below_it(module: Path) -> None:
    room = room_of(module)
    if room in DOORS_OUT:
        return
    ours = {room_of_name(name[4:]) for name in imports_of(module) if name.startswith("app.")}
    assert ours - {"__version__"} <= MAY_IMPORT[room] | {room}


def test_no_two_rooms_know_each_other() -> None:
    order = list(graphlib.TopologicalSorter(MAY_IMPORT).static_order())
    assert set(order) == set(MAY_IMPORT)


def test_no_two_modules_know_each_other() -> None:
    """Not even by an import inside a function: each can then be read without the other."""
    known = {name_of(module): imports_of(module) for module in MODULES}
    arrows = {name: imported & known.keys() - {name} for name, imported in known.items()}
    graphlib.TopologicalSorter(arrows).prepare()


@pytest.mark.parametrize(
    "module",
    [module for module in MODULES if is_pure(module)],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_pure_rooms_touch_nothing(module: Path) -> None:
    used = {name.split(".")[0] for name in imports_of(module)} - {"app"}
    assert used <= (sys.stdlib_module_names - IMPURE_STDLIB) | PURE[outer_room_of(module)]
    tree = ast.parse(module.read_text(encoding="utf-8"))
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Await | ast.AsyncFor)]


def test_fastapi_lives_in_the_modules_that_are_loaded_on_demand() -> None:
    users = {module.name for module in MODULES if "fastapi" in imports_of(module)}
    assert users == {
        *("audits.py", "budgets.py", "framed.py", "own_receipts.py", "receipts.py"),
        *("stats.py", "wanted.py"),
    }


@pytest.mark.parametrize(
    "what",
    [
        # Half of a start-up, and the writer's thread loads it while the server is ready.
        {"sqlalchemy", "app.ledger.store"},
        # Most proxies are never scraped, and OpenTelemetry is an extra.
        {"prometheus_client", "opentelemetry.sdk", "app.telemetry.metrics"},
    ],
    ids=["no database", "nothing for metrics and traces"],
)
def test_starting_the_proxy_loads_not(what: set[str]) -> None:
    told = "import sys, app.main; print(*sys.modules)"
    loaded = subprocess.check_output([sys.executable, "-c", told], text=True).split()  # noqa: S603
    assert not what & set(loaded)
