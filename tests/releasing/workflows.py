"""What is wrong with a workflow: its shape, and what this repository demands beyond it."""

import json
import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft7Validator

from tests.releasing.schemas.trim import HERE as SCHEMAS
from tests.releasing.scripts import ROOT

# One target or one script, with words or quoted variables behind it, and nothing else of the shell.
_COMMAND = re.compile(
    r"(?:make (?P<target>[a-z-]+)|(?P<script>\.ci/[a-z_.]+))"
    r'(?: (?:[A-Z]+=)?(?:[\w./-]+|"[\w$/.-]+"))*'
)
_PINNED = re.compile(r"[\w-]+/[\w./-]+@[0-9a-f]{40}")
_USES = re.compile(r"^ *(?:- )?uses: (?P<what>\S+)(?P<comment> # v\d+\.\d+\.\d+)?$", re.MULTILINE)
_SECRETS = re.compile(r"\bsecrets\b(?!\.GITHUB_TOKEN\b)")
# The only commands that may run in a job that can write. They run nothing that was just downloaded,
# but for uv, which is pinned by hash.
_MAY_WRITE = ("publish", "update propose")
# Run code of a stranger's pull request, or of one, with this repository's rights.
_DANGEROUS = frozenset({"pull_request_target", "workflow_run", "issue_comment"})


@cache
def _schema(name: str) -> Draft7Validator:
    return Draft7Validator(json.loads((SCHEMAS / f"{name}.json").read_text(encoding="utf-8")))


def misshapen(name: str, content: Any) -> list[str]:
    """Where a file does not have the shape that GitHub requires."""
    found = _schema(name).iter_errors(content)
    return [f"{error.json_path}: {error.message[:200]}" for error in found]


def read(text: str) -> Any:
    """The content of a file; `on` is a word, as for GitHub, and not YAML 1.1's truth."""
    content = yaml.safe_load(text)
    return {("on" if key is True else key): value for key, value in content.items()}


def problems(text: str) -> list[str]:
    """Everything that is wrong with a workflow."""
    content = read(text)
    found = misshapen("github-workflows", content)
    if found:
        return found
    if content.get("permissions") != {}:
        found.append("permissions are not {} for the workflow")
    found += [f"on: {each} is dangerous" for each in _DANGEROUS & set(content["on"])]
    found += _pins(text)
    if _SECRETS.search(text):
        found.append("a secret besides GITHUB_TOKEN")
    for name, job in content["jobs"].items():
        found += [f"{name}: {each}" for each in _of_job(job)]
    return found


def _pins(text: str) -> Iterator[str]:
    if text.count("uses:") != len(_USES.findall(text)):
        yield "a line with uses: that is not `uses: ACTION@HASH # vX.Y.Z`"
    for each in _USES.finditer(text):
        local = each["what"].startswith("./")
        if local and not (ROOT / each["what"]).is_file():
            yield f"{each['what']} is not there"
        if not local and not (_PINNED.fullmatch(each["what"]) and each["comment"]):
            yield f"{each['what']} is not pinned by a full hash with its version behind it"


def _of_job(job: dict[str, Any]) -> Iterator[str]:
    permissions = job.get("permissions")
    if not isinstance(permissions, dict):
        yield "permissions are not listed one by one"
        permissions = {}
    writes = {scope for scope, level in permissions.items() if level == "write"}
    if "timeout-minutes" not in job and "uses" not in job:
        yield "no timeout-minutes"
    for step in job.get("steps", ()):
        if "run" in step:
            yield from _of_command(step["run"], writes - {"security-events"})
        given = step.get("with", {})
        if step.get("uses", "").startswith("actions/checkout@") and (
            given.get("persist-credentials") is not False
        ):
            yield "the checkout leaves its token behind (persist-credentials)"


def _of_command(command: str, writes: set[str]) -> Iterator[str]:
    parts = _COMMAND.fullmatch(command)
    if parts is None:
        yield f"{command!r} is not one make target or one script of .ci"
        return
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    if parts["target"] and not re.search(rf"^{parts['target']}:.*## ", makefile, re.MULTILINE):
        yield f"make has no target {parts['target']}"
    if parts["script"] and not os.access(ROOT / parts["script"], os.X_OK):
        yield f"{parts['script']} is no program"
    if writes and not command.startswith(tuple(f".ci/{each}" for each in _MAY_WRITE)):
        yield f"{command!r} runs where {sorted(writes)} may be written"


def files() -> list[Path]:
    """All workflows."""
    return sorted((ROOT / ".github" / "workflows").glob("*.y*ml"))
