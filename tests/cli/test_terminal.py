"""Tables, colours and JSON: what commands print with."""

import ast
import io
import json
import re
import sys
from pathlib import Path

import pytest
from rich.text import Text

import app
from app.cli.guard import guard_output
from app.cli.terminal import Console, Table, hanging, lines, print_json

CLI = Path(app.__file__).parent / "cli"
GONE = "\N{REPLACEMENT CHARACTER}"


def printed(*objects: object) -> str:
    out = io.StringIO()
    Console(file=out, width=60).print(*objects)
    return out.getvalue()


def test_t63_markup_links_and_emoji_codes_are_text() -> None:
    text = "[red]a[/red] [link=http://evil.example]b[/link] :smile:"
    assert printed(text) == f"{text}\n"
    table = Table()
    table.add_column(text)
    table.add_row(text)
    assert printed(table).count("[red]a[/red] [link=http://evil.example]b[/link] :smile:") == 2


def test_t63_a_text_keeps_its_own_lines_and_a_str_is_one() -> None:
    assert printed(Text("a\nb\x1b[2J")) == f"a\nb{GONE}[2J\n"
    assert printed("a\nb\x1b[2J") == f"a{GONE}b{GONE}[2J\n"


def test_t63_a_cell_is_one_line_unless_it_is_made_of_several() -> None:
    table = Table()
    table.add_column("a", no_wrap=True)
    table.add_column("b", no_wrap=True)
    table.add_row("x\ny\x9b", Text("z\nz", style="red"))
    table.add_row(None, lines(Text("first\nhalf"), Text("second")))
    rows = [line.rstrip() for line in printed(table).splitlines()]
    assert rows == [
        "a     b",
        f"x{GONE}y{GONE}  z{GONE}z",
        f"      first{GONE}half",
        "      second",
    ]


def test_t63_a_cell_is_as_wide_as_it_is_shown() -> None:
    """A character without width that is replaced by one with width must not cost a letter."""
    table = Table()
    table.add_column("", no_wrap=True)
    table.add_row("a\x1b\x1b\x1bb")
    assert printed(table).split() == [f"a{GONE * 3}b"]


def test_json_is_printed_whole_and_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"a": "\x9b上"})
    out = capsys.readouterr().out
    assert out == '{"a": "\\u009b上"}\n'
    assert json.loads(out) == {"a": "\x9b上"}


def test_t63_the_guard_covers_both_streams_and_a_terminal_without_unicode(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out, err = io.BytesIO(), io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(out, "ascii"))
    monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(err, "utf-8"))
    guard_output()
    sys.stdout.write("a\x1b[2J上\n")
    sys.stderr.writelines(["b\u202e", "c\x85"])
    sys.stdout.flush()
    sys.stderr.flush()
    assert out.getvalue() == b"a?[2J?\n"
    assert err.getvalue().decode() == f"b{GONE}c{GONE}"
    assert sys.stdout.encoding == "ascii"


@pytest.mark.parametrize("module", sorted(CLI.glob("*.py")), ids=lambda path: path.name)
def test_t63_no_command_goes_past_the_seam(module: Path) -> None:
    """Rich's own console and table, and JSON as it comes, are for `terminal` alone."""
    tree = ast.parse(module.read_text(encoding="utf-8"))
    if module.name == "terminal.py":
        return
    taken = {
        f"{node.module}.{name.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for name in node.names
    }
    assert not {"rich.console.Console", "rich.table.Table", "rich.print", "rich.markup"} & taken
    assert not [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Import) and any(each.name.startswith("rich") for each in node.names)
    ]
    assert not re.search(r"print\(json|\.write\(json\.dumps", module.read_text(encoding="utf-8"))


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("kind", [_Terminal, io.StringIO])
def test_a_text_hangs_below_its_label_and_is_broken_only_at_a_terminal(
    kind: type[io.StringIO], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    out = kind()
    console = Console(file=out, width=20)
    for text, label in (
        ("one two three four\nfive", Text("label ")),
        ("a:1: much longer still", None),
    ):
        hung = hanging(console, Text(text), indent=6 if label else 2, label=label)
        console.print(hung, soft_wrap=True)
    assert out.getvalue().splitlines() == (
        ["label one two three", "      four", "      five", "a:1: much longer", "  still"]
        if kind is _Terminal
        else ["label one two three four", "      five", "a:1: much longer still"]
    )


@pytest.mark.parametrize(("columns", "lines_printed"), [(None, 1), ("40", 3)])
def test_nothing_is_folded_in_a_pipe_unless_columns_says_so(
    monkeypatch: pytest.MonkeyPatch, columns: str | None, lines_printed: int
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    if columns:
        monkeypatch.setenv("COLUMNS", columns)
    out = io.StringIO()
    Console(file=out).print("word " * 20)
    assert len(out.getvalue().splitlines()) == lines_printed
