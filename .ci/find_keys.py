#!/usr/bin/env python3
"""Look for keys in every line that was ever committed, and in the files as they are.

    .ci/find_keys.py            all commits of this repository
    .ci/find_keys.py abc..def   those of a range

Only formats that can't be anything else, so that each finding counts; OpenRouter's and Anthropic's,
which users of Pointsman have, are among them. Nothing of a key is printed but its kind and place.
What tests make up is in `.ci/made-up-keys.txt`, by its SHA-256. Needs nothing but Python and git.
"""

import hashlib
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MADE_UP = Path(__file__).resolve().parent / "made-up-keys.txt"
KINDS = {
    "OpenRouter key": r"sk-or-v1-[0-9a-f]{64}",
    "Anthropic key": r"sk-ant-[a-z]+\d\d-[\w-]{80,}",
    "OpenAI key": r"sk-[\w-]{10,}T3BlbkFJ[\w-]{10,}",
    "GitHub token": r"gh[oprsu]_[A-Za-z0-9]{36}|github_pat_\w{40,}",
    "PyPI token": r"pypi-AgE[\w-]{50,}",
    "npm token": r"npm_[A-Za-z0-9]{36}",
    "Hugging Face token": r"hf_[A-Za-z0-9]{34}",
    "AWS key": r"A(?:KIA|SIA)[A-Z0-9]{16}",
    "Google key": r"AIza[\w-]{35}",
    "Slack token": r"xox[abeprs]-[\w-]{20,}",
    "Slack webhook": r"hooks\.slack\.com/services/T\w{6,}/B\w{6,}/\w{16,}",
    "private key": r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----",
}
_NAMES = tuple(KINDS)
_ANY = re.compile("|".join(rf"(?<![A-Za-z0-9])({pattern})" for pattern in KINDS.values()))
_COMMIT = "commit "  # what begins a commit in git's output, as no line of a diff does
_FILE = "+++ b/"


@dataclass(frozen=True)
class Finding:
    """One key: its kind, the commit and file that brought it, and the digest of file and key."""

    kind: str
    place: str
    digest: str


def findings(diffs: Iterable[str]) -> Iterator[Finding]:
    """The keys in lines that commits added, in the order of `git log --patch`."""
    commit = file = ""
    for line in diffs:
        if line.startswith(_COMMIT):
            commit = line.removeprefix(_COMMIT)[:12].strip()
        elif line.startswith(_FILE):
            file = line.removeprefix(_FILE).strip()
        elif line.startswith("+"):
            for match in _ANY.finditer(line):
                kind = _NAMES[(match.lastindex or 1) - 1]
                digest = hashlib.sha256(f"{file}\n{match[0]}".encode()).hexdigest()
                yield Finding(kind, f"{commit}:{file}", digest)


def made_up(text: str) -> frozenset[str]:
    """The digests that a file lists, one at the start of each line that has one."""
    return frozenset(re.findall(r"^([0-9a-f]{64})\b", text, re.MULTILINE))


def _log(commits: str) -> Iterator[str]:
    shallow = ["git", "-C", str(ROOT), "rev-parse", "--is-shallow-repository"]
    if subprocess.run(shallow, capture_output=True, text=True, check=False).stdout != "false\n":  # noqa: S603
        raise OSError(f"{ROOT} is not a git repository with its history; git fetch --unshallow")
    command = [
        "git",
        "-C",
        str(ROOT),
        "log",
        "--patch",
        "--unified=0",
        "--no-renames",
        "--no-color",
    ]
    command += ["--no-ext-diff", "--diff-merges=first-parent", f"--format={_COMMIT}%H", commits]
    with subprocess.Popen(  # noqa: S603 - git, and a range
        command, stdout=subprocess.PIPE, text=True, encoding="utf-8", errors="replace"
    ) as log:
        yield from log.stdout or ()
    if log.returncode:
        raise OSError(f"git log {commits} failed")


def main(arguments: list[str]) -> int:
    """Print each finding, and return 1 if there is one."""
    known = made_up(MADE_UP.read_text(encoding="utf-8"))
    try:
        new = [
            each
            for each in findings(_log(arguments[0] if arguments else "--all"))
            if each.digest not in known
        ]
    except OSError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    for each in new:
        print(f"{each.place}: {each.kind} (SHA-256 {each.digest})")
    if new:
        print(
            "Revoke a real key at once: it stays readable in the history. If it is made up, "
            f"add its SHA-256 to .ci/{MADE_UP.name}"
        )
    else:
        print("no keys found")
    return bool(new)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
