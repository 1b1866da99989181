#!/usr/bin/env python3
"""Fill in the Homebrew formula of a release, and print it.

    .ci/formula.py https://HOST/OWNER/REPOSITORY dist/pointsman-1.2.3.tar.gz

The sdist is expected on the release v1.2.3 of that repository. Homebrew builds from source, so each
dependency is a resource: the sdist of the version that `.ci/constraints.txt` pins. Where it is and
its sum come from the index, by uv, which must be installed beside the Python that runs this.
"""

import hashlib
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TEMPLATE = ROOT / "deploy" / "homebrew" / "pointsman.rb.in"
PYTHON = "3.13"  # as in the Dockerfile
PLATFORMS = ("macos", "linux")
Sdist = tuple[str, str]  # its URL, its SHA-256
_RESOURCE = """\
  resource "{name}" do
    url "{url}"
    sha256 "{sha256}"
  end
"""


class NoFormula(Exception):
    """Something that a formula needs is missing; says what."""


def resources_in(pylocks: Iterable[str]) -> dict[str, Sdist]:
    """The sdist of each package by its name, in their order.

    Raises `NoFormula` for a package that has none, or has another one on another platform.
    """
    found: dict[str, Sdist] = {}
    for text in pylocks:
        for package in tomllib.loads(text)["packages"]:
            name, sdist = package["name"], package.get("sdist")
            if not sdist:
                raise NoFormula(f"{name} {package['version']} has no sdist to be a resource")
            this = (sdist["url"], sdist["hashes"]["sha256"])
            if found.setdefault(name, this) != this:
                raise NoFormula(f"{name} has one version on one platform, another elsewhere")
    return dict(sorted(found.items()))


def url_of(repository: str, sdist: str) -> str:
    """Where the sdist is on its release. Raises `NoFormula` for other words than these."""
    named = re.fullmatch(r"pointsman-(\d\S*)\.tar\.gz", sdist)
    if not named or not re.fullmatch(r"https://[^\s/]+(?:/[\w.-]+){2}", repository):
        raise NoFormula(
            f"{repository!r} and {sdist!r} are not https://HOST/OWNER/REPOSITORY and "
            "pointsman-VERSION.tar.gz"
        )
    return f"{repository}/releases/download/v{named[1]}/{sdist}"


def filled(template: str, values: Mapping[str, str], resources: Mapping[str, Sdist]) -> str:
    """The formula: the template with each `@NAME@` replaced by its value, and the resources."""
    blocks = [
        _RESOURCE.format(name=name, url=url, sha256=digest)
        for name, (url, digest) in resources.items()
    ]
    every = {**values, "PYTHON": PYTHON, "RESOURCES": "\n".join(blocks).rstrip("\n")}
    return re.sub(r"@([A-Z0-9]+)@", lambda place: every[place[1]], template)


def _pylock(platform: str) -> str:
    """What uv finds for the pinned versions."""
    command = [str(Path(sys.executable).parent / "uv"), "pip", "compile", "--quiet"]
    command += [
        "--format",
        "pylock.toml",
        "--python-version",
        PYTHON,
        "--python-platform",
        platform,
    ]
    command += ["--constraints", ".ci/constraints.txt", "pyproject.toml"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise NoFormula(f"uv can't find the dependencies: {done.stderr.strip()}")
    return done.stdout


def _formula(repository: str, sdist: Path) -> str:
    values = {
        "HOMEPAGE": repository,
        "URL": url_of(repository, sdist.name),
        "SHA256": hashlib.sha256(sdist.read_bytes()).hexdigest(),
    }
    resources = resources_in(map(_pylock, PLATFORMS))
    return filled(TEMPLATE.read_text(encoding="utf-8"), values, resources)


def main(arguments: list[str]) -> int:
    """Print the formula, and return the exit code."""
    if len(arguments) != 2:  # noqa: PLR2004 - a repository, a file
        sys.stderr.write(__doc__ or "")
        return 2
    try:
        formula = _formula(arguments[0], Path(arguments[1]))
    except (NoFormula, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    print(formula, end="")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
