"""Values and comments as YAML text that reads back as what it was."""

import textwrap
from typing import Any

import yaml

_WIDTH = 96


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - the parent's signature
        """Write a list that occurs twice out twice: anchors are for people who write files."""
        return True


def _text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    """Text in double quotes, where every character has an escape, if it can't all be seen."""
    style = None if text.isprintable() else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def as_yaml(value: Any) -> str:
    """A value; what holds no further lists or mappings goes on one line."""
    return yaml.dump(
        value,
        Dumper=_Dumper,
        allow_unicode=True,
        default_flow_style=None,
        sort_keys=False,
        width=_WIDTH - 4,  # what the value is indented by
    )


def as_comment(text: str, indent: str = "", hanging: str = "") -> list[str]:
    """A comment's lines. Whatever YAML could take for the end of a line is none."""
    line = "".join(character if character.isprintable() else " " for character in text)
    return textwrap.wrap(
        line,
        width=_WIDTH,
        initial_indent=f"{indent}# ",
        subsequent_indent=f"{indent}# {hanging}",
        break_long_words=False,
        break_on_hyphens=False,
    )


def indented(text: str, indent: str) -> list[str]:
    """A text's lines, all of them moved in."""
    return [f"{indent}{line}".rstrip() for line in text.splitlines()]
