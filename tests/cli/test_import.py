"""`pointsman import`, as a person types it."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from app.cli.commands import commands
from app.errors import ForeignFileError
from app.policy.file.parse import read_book

KEY = "sk-or-v1-canary"
OPENCODE = """\
{
  // at home
  "provider": {
    "openrouter": {
      "options": { "apiKey": "%s" },
      "models": {
        "z-ai/glm-4.7": { "options": { "provider": { "only": ["Z.AI"], "fp8": true } } }
      }
    }
  }
}
"""


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(commands, ["import", *map(str, arguments)])


def test_the_policy_goes_to_stdout_and_what_it_lacks_to_stderr(tmp_path: Path) -> None:
    file = tmp_path / "opencode.jsonc"
    file.write_text(OPENCODE.replace("%s", KEY))
    answer = run(file)
    assert answer.exit_code == 0
    assert [rule.name for rule in read_book({"p.yaml": answer.stdout}).rules] == [
        "z-ai/glm-4.7 from opencode"
    ]
    head, line = answer.stderr.splitlines()
    assert head == f"{file}, read as opencode.json: rules 1, aliases 0, left out or changed 1"
    assert line.startswith("  opencode.jsonc:7: provider.openrouter.models.z-ai/glm-4.7.options.pr")
    assert KEY not in answer.output
    assert str(tmp_path) not in answer.stdout


def test_a_long_list_is_cut_short_on_stderr_but_not_in_the_policy(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    entries = "".join(
        f"  - {{model_name: m{number}, litellm_params: {{model: azure/x}}}}\n"
        for number in range(25)
    )
    file.write_text(f"model_list:\n{entries}")
    answer = run(file, "--from", "litellm")
    assert answer.stderr.splitlines()[-1] == "  and 5 more, in the comments at the top"
    assert answer.stdout.count("is not served by OpenRouter") == 25


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (None, "can't be read: .*No such file"),
        (b"\xff\xfe", "can't be read: .*utf-8"),
        (b"# " + b"x" * 2_000_000, "over 2 MB"),
        (b"version: 1", "litellm.*llama-swap.*pi.*aider.*opencode"),
    ],
)
def test_a_file_that_is_no_use_is_an_error_in_one_sentence(
    tmp_path: Path, content: bytes | None, complaint: str
) -> None:
    file = tmp_path / "file"
    if content is not None:
        file.write_bytes(content)
    answer = run(file)
    assert isinstance(answer.exception, ForeignFileError)
    assert answer.stdout == ""
    with pytest.raises(ForeignFileError, match=complaint):
        raise answer.exception
