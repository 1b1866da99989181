"""The conditions of a measurement."""

import os
import platform
import shutil
import subprocess
import sys
import time
from pathlib import Path

BENCH = Path(__file__).parent

# An interpreter built without profile-guided optimization is about a quarter slower. The build
# options show `--enable-optimizations`; Debian's don't, though its build is optimized, so a loop
# is timed too.
_ASK_PYTHON = """
import platform, sysconfig
from reference import reference
how = sysconfig.get_config_var("CONFIG_ARGS") or ""
flags = sysconfig.get_config_var("PY_CFLAGS_NODIST") or ""
told = "--enable-optimizations" in how or "-fprofile-use" in flags
pgo = "with PGO" if told else "PGO not told"
print(f"{platform.python_version()} ({pgo}, reference loop {reference():.2f} us)")
"""


def conditions(pythons: dict[str, str]) -> dict[str, object]:
    """The machine, and the interpreters by the names of their targets."""
    return {
        "date": time.strftime("%Y-%m-%d"),
        "processor": processor(),
        "cores": os.cpu_count(),
        **{f"{name} on Python": built(python) for name, python in pythons.items()},
        "nginx": nginx_version(),
        "load": round(os.getloadavg()[0], 2),
    }


def processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":")[1].strip()
    return platform.machine()


def nginx_version() -> str | None:
    if not shutil.which("nginx"):
        return None
    done = subprocess.run(["nginx", "-v"], check=False, capture_output=True, text=True)
    return done.stderr.strip().rpartition("/")[2]


def built(python: str) -> str:
    """An interpreter's version, build and speed."""
    ask = [python, "-c", _ASK_PYTHON]
    env = {**os.environ, "PYTHONPATH": str(BENCH)}
    done = subprocess.run(ask, check=False, capture_output=True, text=True, env=env)
    if done.returncode:
        sys.exit(f"{python} can't run Python: {done.stderr.strip()}")
    return done.stdout.strip()
