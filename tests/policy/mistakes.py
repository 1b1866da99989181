"""The mistakes in policy files, as an operator reads them."""

import textwrap

import pytest

from app.errors import PolicyFileError
from app.policy.file.parse import read_book


def mistakes(text: str, **more: str) -> list[str]:
    """Every mistake in `p.yaml` and in other files, given name without suffix to text."""
    files = {"p.yaml": text, **{f"{name}.yaml": other for name, other in more.items()}}
    with pytest.raises(PolicyFileError) as failed:
        read_book({name: textwrap.dedent(each) for name, each in files.items()})
    assert str(failed.value) == "\n".join(map(str, failed.value.problems))
    return [str(problem) for problem in failed.value.problems]


def in_rule(*lines: str) -> list[str]:
    """The mistakes in a rule's own lines, of which the first is line 5 of its file."""
    head = ["version: 1", "rules:", "  - name: mine", "    models: [a/b]"]
    return mistakes("\n".join([*head, *(f"    {line}" for line in lines)]))
