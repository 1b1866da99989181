"""Folders outside this tree that are set up once, for what the benchmarks install."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path


def cache() -> Path:
    """The default folder for environments."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pointsman-bench"


def once(folder: Path, *commands: list[str], files: Mapping[str, str] | None = None) -> Path:
    """Run the commands in a new folder with these files; after success, never again."""
    ready = folder / "ready"
    if not ready.exists():
        print(f"setting up {folder} (once) ...", file=sys.stderr, flush=True)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for name, text in (files or {}).items():
            (folder / name).write_text(text)
        for command in commands:
            done = subprocess.run(command, check=False, cwd=folder, capture_output=True, text=True)
            if done.returncode:
                sys.exit(f"{' '.join(command)} failed in {folder}:\n{done.stderr}")
        ready.touch()
    return folder
