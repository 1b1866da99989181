"""Imports point down: each room may know the rooms listed for it, and no other."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import app

ROOT = Path(app.__file__).parent

# Room -> what of ours it may import. A room that isn't here fails the first test.
MAY_IMPORT = {
    "errors": set(),
    "shown": set(),
    "exact_numbers": set(),
    "settings": {"errors", "wire"},
    "catalog": {"catalog", "errors", "exact_numbers"},
    "policy": {"policy", "catalog", "errors", "exact_numbers"},
    "importing": {"importing", "policy", "catalog", "errors"},
    "wire": {"wire", "errors", "exact_numbers"},
    "ledger": {"ledger", "errors"},
    "telemetry": {"telemetry", "ledger", "errors"},
    "openrouter": {"openrouter", "catalog", "wire", "errors"},
    "policy_folder": {"policy", "errors"},
    "api": {
        *("api", "catalog", "errors", "exact_numbers", "ledger", "openrouter"),
        *("policy", "policy_folder", "settings", "shown", "telemetry", "wire"),
    },
    "dashboard": {
        *("dashboard", "catalog", "errors", "ledger", "policy", "policy_folder", "shown"),
    },
    "simulator": {"simulator"},
}
DOORS_OUT = {"main", "cli", "__main__", "__init__"}  # they may know every room

# What the pure rooms may use beside the standard library; the client of the rest is FastAPI's.
PURE: dict[str, set[str]] = {
    "exact_numbers": set(),
    "shown": set(),
    "policy": {"msgspec", "yaml"},
    "importing": {"msgspec", "yaml"},
    "catalog": {"msgspec"},
    "wire": {"msgspec"},
}
IMPURE_STDLIB = {
    *("asyncio", "datetime", "http", "io", "logging", "os", "pathlib", "random", "shutil"),
    *("socket", "sqlite3", "ssl", "subprocess", "tempfile", "threading", "time", "urllib"),
}

MODULES = sorted(ROOT.rglob("*.py"))


def room_of(module: Path) -> str:
    return module.relative_to(ROOT).parts[0].removesuffix(".py")


def imports_of(module: Path) -> set[str]:
    tree = ast.parse(module.read_text(encoding="utf-8"))
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: write imports in full"
            found.add(str(node.module))
            if node.module == "app":
                found |= {f"app.{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_room_knows_only_the_rooms_below_it(module: Path) -> None:
    room = room_of(module)
    if room in DOORS_OUT:
        return
    ours = {name.split(".")[1] for name in imports_of(module) if name.startswith("app.")}
    assert ours - {"__version__"} <= MAY_IMPORT[room] | {room}


@pytest.mark.parametrize(
    "module",
    [module for module in MODULES if room_of(module) in PURE],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_pure_rooms_touch_nothing(module: Path) -> None:
    used = {name.split(".")[0] for name in imports_of(module)} - {"app"}
    assert used <= (sys.stdlib_module_names - IMPURE_STDLIB) | PURE[room_of(module)]
    tree = ast.parse(module.read_text(encoding="utf-8"))
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Await | ast.AsyncFor)]


def test_fastapi_lives_in_the_modules_that_are_loaded_on_demand() -> None:
    users = {module.name for module in MODULES if "fastapi" in imports_of(module)}
    assert users == {"framed.py", "own_receipts.py", "receipts.py", "stats.py"}


def test_starting_the_proxy_loads_no_database() -> None:
    """It is half of a start-up, and the writer's thread loads it while the server is ready."""
    hot = [ROOT / "main.py", *(ROOT / "api").glob("*.py"), *(ROOT / "openrouter").glob("*.py")]
    for module in hot:
        top = ast.parse(module.read_text(encoding="utf-8")).body
        named = [node.module for node in top if isinstance(node, ast.ImportFrom)]
        assert "app.ledger.store" not in named, module


def test_starting_the_proxy_loads_nothing_for_metrics_and_traces() -> None:
    """Most proxies are never scraped, and OpenTelemetry is an extra."""
    told = "import sys, app.main; print(*sys.modules)"
    loaded = subprocess.check_output([sys.executable, "-c", told], text=True).split()  # noqa: S603
    assert not {"prometheus_client", "opentelemetry.sdk", "app.telemetry.metrics"} & set(loaded)
