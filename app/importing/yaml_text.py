"""Write values and comments as YAML text that reads back unchanged."""

import textwrap
from typing import Any

import yaml

_WIDTH = 96


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - the parent's signature
        """Write a repeated list in full each time: anchors are for hand-written files."""
        return True


def _text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    """Text; in double quotes, where any character can be escaped, if some are not visible."""
    style = None if text.isprintable() else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def as_yaml(value: Any) -> str:
    """A value; lists and mappings without nested ones are written on one line."""
    return yaml.dump(
        value,
        Dumper=_Dumper,
        allow_unicode=True,
        default_flow_style=None,
        sort_keys=False,
        width=_WIDTH - 4,  # the indentation of the value
    )


def as_comment(text: str, indent: str = "", hanging: str = "") -> list[str]:
    """A comment's lines. Characters that YAML could treat as a line break are replaced."""
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
    """A text with all its lines indented."""
    return [f"{indent}{line}".rstrip() for line in text.splitlines()]
