"""`.ci/find_keys.py`: a key in any commit is found, and is not printed."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.releasing.scripts import CI, ROOT, script

find_keys = script("find_keys")
HEX = "0123456789abcdef" * 4
# Put together here, so that this file has no key in it.
KEYS = {
    "OpenRouter key": "sk-or-v1-" + HEX,
    "Anthropic key": "sk-ant-api03-" + "x" * 90,
    "OpenAI key": "sk-proj-" + "a1" * 10 + "T3Blbk" + "FJ" + "b2" * 10,
    "GitHub token": "ghp_" + "a" * 36,
    "PyPI token": "pypi-AgE" + "c" * 60,
    "npm token": "npm_" + "d" * 36,
    "Hugging Face token": "hf_" + "e" * 34,
    "AWS key": "AKIA" + "A1" * 8,
    "Google key": "AIza" + "f" * 35,
    "Slack token": "xoxb-" + "1" * 24,
    "Slack webhook": "https://hooks.slack.com/services/T0000001/B0000001/" + "g" * 24,
    "private key": "-----BEGIN RSA " + "PRIVATE KEY-----",
}
EXAMPLES = ["sk-or-v1-...", "sk-or-v1-canary-of-the-operator", "npm_config_cache", "AKIAEXAMPLE"]


def added(*lines: str, file: str = "a.env") -> list[str]:
    return ["commit 0123456789abcdef\n", f"+++ b/{file}\n", *(f"+{line}\n" for line in lines)]


def test_every_kind_has_its_example() -> None:
    assert KEYS.keys() == find_keys.KINDS.keys()


@pytest.mark.parametrize("kind", sorted(KEYS))
@pytest.mark.parametrize("line", ["{}", "KEY={}", "  key: '{}' # mine", 'curl -H "x: {}"'])
def test_a_key_is_found_in_a_line_that_was_added(kind: str, line: str) -> None:
    (found,) = find_keys.findings(added("other", line.format(KEYS[kind])))
    assert (found.kind, found.place) == (kind, "0123456789ab:a.env")


def test_lines_that_were_there_or_were_removed_are_not_findings() -> None:
    key = KEYS["npm token"]
    assert not list(find_keys.findings(["commit 0123\n", "+++ b/a\n", f"-{key}\n", f" {key}\n"]))


@pytest.mark.parametrize("line", EXAMPLES)
def test_placeholders_are_no_keys(line: str) -> None:
    assert not list(find_keys.findings(added(line)))


def test_a_digest_is_that_of_one_key_in_one_file() -> None:
    key, other = KEYS["npm token"], KEYS["npm token"][:-1] + "x"
    places = [(key, "a"), (key, "b"), (other, "a")]
    digests = {next(find_keys.findings(added(one, file=file))).digest for one, file in places}
    assert len(digests) == len(places)
    assert find_keys.made_up("# about\n" + "\n".join(f"{each} a: x" for each in digests)) == digests


def test_what_is_listed_as_made_up_is_in_a_file_that_is_there() -> None:
    lines = (CI / "made-up-keys.txt").read_text(encoding="utf-8").splitlines()
    listed = [line.split() for line in lines if not line.startswith("#")]
    assert listed
    for digest, file, *_ in listed:
        path = file.rstrip(":")
        text = (ROOT / path).read_text(encoding="utf-8").splitlines()
        assert digest in {found.digest for found in find_keys.findings(added(*text, file=path))}


def test_the_program_says_where_a_key_is_and_does_not_print_it(tmp_path: Path) -> None:
    git = shutil.which("git")
    if git is None:
        pytest.skip("there is no git")
    script_there = tmp_path / ".ci" / "find_keys.py"
    script_there.parent.mkdir()
    for name in ("find_keys.py", "made-up-keys.txt"):
        shutil.copy(CI / name, script_there.parent)
    identity = ["-c", "user.name=A Name", "-c", "user.email=a@example.com"]

    def commit(text: str) -> None:
        (tmp_path / "notes.txt").write_text(text, encoding="utf-8")
        for command in (["init", "-q"], ["add", "notes.txt"], [*identity, "commit", "-qm", "Note"]):
            subprocess.run([git, "-C", str(tmp_path), *command], check=True, capture_output=True)  # noqa: S603

    def run() -> tuple[int, str]:
        command = [sys.executable, str(script_there)]
        done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603
        return done.returncode, done.stdout + done.stderr

    status, told = run()
    assert (status, "is not a git repository with its history" in told) == (2, True)
    commit("nothing yet\n")
    assert run() == (0, "no keys found\n")
    commit(f"{KEYS['OpenRouter key']}\n")
    commit("removed again\n")
    status, told = run()
    assert status == 1
    assert ":notes.txt: OpenRouter key (SHA-256 " in told
    assert HEX not in told
