"""Edits keep what they do not set, mean what they should, and can be taken out again."""

import json
import tomllib
from typing import Any

import pytest
import yaml
from hypothesis import assume, given
from hypothesis import strategies as st

from app.tools.editing import ABSENT, FORMATS, Edit, absent_of, edited, taken_out, value_at
from app.tools.filling import Target, edit_of
from app.tools.not_editable import NotEditable
from app.tools.table import TOOLS

TARGET = Target("http://127.0.0.1:4477", model="qwen/qwen3-coder")
CONFIGS = {name: tool.config for name, tool in TOOLS.items() if tool.config}


def set_all(kind: str, text: str, edit: Edit) -> str:
    return edited(kind, text, {**edit.values, **absent_of(kind, text, edit.if_absent)})


# Files as they are found: with keys that are set and others, comments, either line end.
names = st.sampled_from(["a", "env", "model", "provider", "openrouter", "security", "x y", 'q"'])
scalars = st.one_of(st.booleans(), st.integers(-9, 99), st.text(max_size=5), st.none())
objects = st.recursive(
    st.dictionaries(names, scalars, max_size=3),
    lambda inner: st.dictionaries(names, st.one_of(scalars, inner, st.lists(inner, max_size=2))),
    max_leaves=8,
)


@st.composite
def json_files(draw: st.DrawFn) -> str:
    """JSON in one line or many, with comments and trailing commas where JSONC has them."""
    indent = draw(st.sampled_from([None, 0, 2, 4, "\t"]))
    text = json.dumps(draw(objects), indent=indent, ensure_ascii=draw(st.booleans()))
    if indent is not None and draw(st.booleans()):
        mark = draw(st.sampled_from([" // why: {", " /* } */"]))
        lines = text.split("\n")
        at = draw(st.integers(0, len(lines) - 1))
        lines[at] += mark
        text = "\n".join(lines)
        text = draw(st.sampled_from(["", "// head\n", "/* head */ "])) + text
    text += draw(st.sampled_from(["", "\n", "\n// end\n"]))
    return text.replace("\n", draw(st.sampled_from(["\n", "\r\n"])))


@st.composite
def toml_files(draw: st.DrawFn) -> str:
    parts = [
        *("# head\n", "\n", 'model = "gpt-5" # mine\n', "a = 1\n", "model_provider = 'openai'\n"),
        *("b = '''\nmodel = \"no\"\n'''\n",),
    ]
    tables = [
        *("[model_providers.other]\nname = 'x' # y\n", "[profiles.p]\nmodel = 'q'\n"),
        *(
            '[model_providers.pointsman]\nname = "Old"\nrequest_max_retries = 0\n',
            "[tui]\n\n# end\n",
        ),
    ]
    top = draw(st.lists(st.sampled_from(parts), unique=True))
    rest = draw(st.lists(st.sampled_from(tables), unique=True))
    text = "".join([*top, *rest])
    text = text.removesuffix("\n") if draw(st.booleans()) else text
    return text.replace("\n", draw(st.sampled_from(["\n", "\r\n"])))


@st.composite
def yaml_files(draw: st.DrawFn) -> str:
    parts = [
        *("# head\n", "\n", "model: gpt-5 # mine\n", "openai-api-base: 'x'\n", "dark-mode: true\n"),
        *("read:\n  - a.md\n  - model\n", "text: |\n  model: no\n", "OPENROUTER_HOST:\n"),
    ]
    text = "".join(draw(st.lists(st.sampled_from(parts), unique=True)))
    text = text.removesuffix("\n") if draw(st.booleans()) else text
    return text.replace("\n", draw(st.sampled_from(["\n", "\r\n"])))


@st.composite
def yaml_lists(draw: st.DrawFn) -> str:
    parts = ["# head\n", "\n", "- model_id: a\n  model_name: b # c\n", "- model_id: d\n"]
    return "".join(draw(st.lists(st.sampled_from(parts), unique=True)))


FILES = {
    "json": json_files(),
    "toml": toml_files(),
    "yaml": yaml_files(),
    "yaml list": yaml_lists(),
}


@st.composite
def files_and_edits(draw: st.DrawFn) -> tuple[str, str, Edit]:
    config = CONFIGS[draw(st.sampled_from(sorted(CONFIGS)))]
    return config.kind, draw(FILES[config.kind]), edit_of(config, TARGET)


def try_set(kind: str, text: str, edit: Edit) -> str:
    """The edited text; the case is left out if it can't be edited, which is for other tests."""
    try:
        return set_all(kind, text, edit)
    except NotEditable:
        assume(False)
        raise


@given(files_and_edits())
def test_an_edit_sets_its_values_and_changes_no_other(case: tuple[str, str, Edit]) -> None:
    kind, text, edit = case
    read = FORMATS[kind].read
    after = try_set(kind, text, edit)
    if kind == "yaml list":
        assert read(after) == [*(read(text) or []), edit.values[()]]
        return
    for path, value in edit.values.items():
        assert value_at(read(after), path) == value
    paths = [*edit.values, *edit.if_absent]
    assert without_paths(read(after), paths) == without_paths(read(text), paths)


def without_paths(root: Any, paths: list[tuple[str, ...]]) -> Any:
    """A document without these values, and without mappings that have nothing else."""
    kept = json.loads(json.dumps(root or {}, default=str))
    for path in paths:
        holders = [kept]
        for key in path[:-1]:
            inner = holders[-1].get(key)
            holders.append(inner if isinstance(inner, dict) else {})
        holders[-1].pop(path[-1], None)
        for holder, key in reversed(list(zip(holders, path[:-1], strict=False))):
            if not isinstance(holder.get(key), dict) or not holder[key]:
                holder.pop(key, None)
    return kept


@given(files_and_edits())
def test_an_edit_keeps_every_comment(case: tuple[str, str, Edit]) -> None:
    kind, text, edit = case
    after = try_set(kind, text, edit)
    for mark in ("// why: {", "/* } */", "// head", "# head", "# mine", "# y", "# c", "// end"):
        assert after.count(mark) == text.count(mark)


@given(files_and_edits())
def test_a_second_edit_changes_nothing(case: tuple[str, str, Edit]) -> None:
    kind, text, edit = case
    after = try_set(kind, text, edit)
    assert set_all(kind, after, edit) == after


@given(files_and_edits())
def test_taken_out_of_the_file_as_it_was_written_it_is_the_same_bytes(
    case: tuple[str, str, Edit],
) -> None:
    kind, text, edit = case
    after = try_set(kind, text, edit)
    assert taken_out(kind, before=text, after=after, now=after, edit=edit) == text


@given(files_and_edits(), st.sampled_from(["above", "below"]))
def test_taken_out_of_a_file_that_has_changed_elsewhere_the_change_stays(
    case: tuple[str, str, Edit], where: str
) -> None:
    kind, text, edit = case
    after = try_set(kind, text, edit)
    mark = "// added" if kind == "json" else "# added"
    assume(text.endswith("\n"))
    now = f"{mark}\n{after}" if where == "above" else f"{after}{mark}\n"
    back = taken_out(kind, before=text, after=after, now=now, edit=edit)
    assert FORMATS[kind].read(back) == FORMATS[kind].read(text)
    assert back.count(mark) == 1


@given(
    json_files(), st.sampled_from(sorted(name for name, c in CONFIGS.items() if c.kind == "json"))
)
def test_a_tool_may_write_its_json_anew_and_ours_can_still_be_taken_out(
    text: str, name: str
) -> None:
    """Cline and others read their file and write it again, without comments and in another form."""
    config = CONFIGS[name]
    edit = edit_of(config, TARGET)
    after = try_set("json", text, edit)
    read = FORMATS["json"].read
    now = json.dumps({**read(after), "added": [1]}, indent=4)
    back = read(taken_out("json", before=text, after=after, now=now, edit=edit))
    assert back.pop("added") == [1]
    if value_at(back, ("version",)) == 1 and value_at(read(text), ("version",)) is ABSENT:
        del back["version"]  # Cline's: without it, Cline would begin with an empty file
    paths = list(edit.if_absent)
    assert without_paths(back, paths) == without_paths(read(text), paths)


def test_a_file_of_one_line_is_one_again_after_a_change_in_the_line() -> None:
    before = '{"theme": "dark", "env": {"A": "1"}}'
    edit = edit_of(CONFIGS["claude-code"], TARGET)
    now = set_all("json", before, edit).replace("dark", "light")
    back = taken_out("json", before=before, after="another", now=now, edit=edit)
    assert back == before.replace("dark", "light")


def test_what_was_written_and_then_changed_is_not_taken_out() -> None:
    edit = edit_of(CONFIGS["claude-code"], TARGET)
    after = set_all("json", "{}", edit)
    now = after.replace("http://127.0.0.1:4477", "http://elsewhere")
    with pytest.raises(NotEditable, match=r"env\.ANTHROPIC_BASE_URL has another value"):
        taken_out("json", before="{}", after=after, now=now, edit=edit)


@pytest.mark.parametrize("name", ["codex", "aider", "llm"])
def test_lines_that_were_written_and_then_changed_are_not_taken_out(name: str) -> None:
    config = CONFIGS[name]
    edit = edit_of(config, TARGET)
    after = set_all(config.kind, "", edit)
    now = after.replace("127.0.0.1", "elsewhere")
    with pytest.raises(NotEditable, match="have changed"):
        taken_out(config.kind, before="", after=after, now=now, edit=edit)


def test_an_old_value_comes_back_even_if_others_changed_since() -> None:
    before = '{\n  "env": {"ANTHROPIC_MODEL": "opus"},\n  "theme": "dark"\n}\n'
    edit = edit_of(CONFIGS["claude-code"], TARGET)
    after = set_all("json", before, edit)
    back = taken_out(
        "json", before=before, after=after, now=after.replace("dark", "light"), edit=edit
    )
    assert back == before.replace("dark", "light")


def test_toml_keeps_everything_else() -> None:
    before = (
        "# mine\nmodel = 'gpt-5' # old\napproval_policy = \"never\"\n\n"
        '[model_providers.other]\nname = "Other"\n\n[tui]\ntheme = 1 # keep'
    )
    after = set_all("toml", before, edit_of(CONFIGS["codex"], TARGET))
    assert after == (
        '# mine\nmodel_provider = "pointsman"\nmodel = "qwen/qwen3-coder" # old\n'
        'approval_policy = "never"\n\n[model_providers.other]\nname = "Other"\n\n[tui]\n'
        'theme = 1 # keep\n\n[model_providers.pointsman]\nname = "Pointsman"\n'
        'base_url = "http://127.0.0.1:4477/v1"\nwire_api = "responses"\n'
    )
    assert tomllib.loads(after)["tui"] == {"theme": 1}


def test_jsonc_keeps_everything_else() -> None:
    before = '{\n\t// mine\n\t"theme": "dark", // not light\n\t"provider": {"x": {},},\n}\n'
    after = set_all("json", before, edit_of(CONFIGS["opencode"], TARGET))
    assert after == (
        '{\n\t"model": "openrouter/qwen/qwen3-coder",\n'
        '\t"small_model": "openrouter/qwen/qwen3-coder",\n'
        '\t// mine\n\t"theme": "dark", // not light\n'
        '\t"provider": {"openrouter": {"options": {"baseURL": "http://127.0.0.1:4477/v1", '
        '"apiKey": "any"}, "models": {"qwen/qwen3-coder": {}}}, "x": {},},\n}\n'
    )


def test_a_models_own_options_are_kept() -> None:
    own = '{"provider": {"openrouter": {"models": {"qwen/qwen3-coder": {"name": "Q"}}}}}'
    after = set_all("json", own, edit_of(CONFIGS["opencode"], TARGET))
    models = json.loads(after)["provider"]["openrouter"]["models"]
    assert models == {"qwen/qwen3-coder": {"name": "Q"}}


def test_yaml_keeps_everything_else() -> None:
    before = "# mine\nmodel: gpt-5   # old\nread:\n  - a.md"
    after = set_all("yaml", before, edit_of(CONFIGS["aider"], TARGET))
    assert after == (
        "# mine\nmodel: openai/qwen/qwen3-coder   # old\nread:\n  - a.md\n"
        "openai-api-base: http://127.0.0.1:4477/v1\nopenai-api-key: any\n"
    )
    assert yaml.safe_load(after)["read"] == ["a.md"]


@pytest.mark.parametrize(
    ("kind", "text", "problem", "line"),
    [
        ("json", '{\n"a": 1,,\n}', "a key and a colon", 2),
        ("json", '{"a": 1} x', "more follows", 1),
        ("json", '{"a" 1}', "a key and a colon", 1),
        ("json", '{"a": }', "a value is missing", 1),
        ("json", '{"a": 1 "b": 2}', "a comma or }", 1),
        ("json", '{"a": [1 2]}', "a comma or ]", 1),
        ("json", '{"a": "\\x"}', "not JSON", None),
        ("json", '{"\\x": 1}', "a key can't be read", 1),
        ("json", "[" * 200, "nested too deeply", 1),
        ("json", "[]", "is not an object", 1),
        ("json", '{"env": 1}', "is not an object", 1),
        ("json", '{"env": {}, "env": {}}', "is there twice", 1),
        ("toml", "a = \n", "not TOML", 1),
        ("toml", "\x00", "not TOML", 1),
        ("toml", "model_provider = [\n]\n", "several parts", 1),
        ("toml", "model_providers = {}\n", "without changing more", None),
        ("yaml", "a: [\n", "not YAML", 2),
        ("yaml", "\x07", "not YAML", None),
        ("yaml", "openai-api-base: [a,\n b]\n", "several parts", 1),
        ("yaml", "{a: b}\n", "without changing more", None),
        ("yaml", "- a\n", "without changing more", None),
        ("yaml list", "a: b\n", "not a list", None),
        ("yaml list", "[]\n", "without changing more", None),
    ],
)
def test_a_file_that_can_not_be_edited_is_an_error_with_its_line(
    kind: str, text: str, problem: str, line: int | None
) -> None:
    name = {"json": "claude-code", "toml": "codex", "yaml": "aider", "yaml list": "llm"}[kind]
    with pytest.raises(NotEditable) as error:
        set_all(kind, text, edit_of(CONFIGS[name], TARGET))
    assert problem in error.value.problem
    assert error.value.line == line


@pytest.mark.parametrize("text", ["", " \n", "// only this\n", "/* a */"])
def test_an_empty_file_becomes_one_with_our_values(text: str) -> None:
    after = set_all("json", text, edit_of(CONFIGS["claude-code"], TARGET))
    assert after.startswith(text)
    assert FORMATS["json"].read(after)["env"]["ANTHROPIC_AUTH_TOKEN"] == "any"
