"""The policy file's text: for people to read, and to read back."""

import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.importing.found import Left, Place
from app.importing.plan import Plan, Planned, PlannedAlias, PlannedRule
from app.importing.write import write
from app.importing.yaml_text import as_comment, as_yaml
from tests.importing.reading import imported
from tests.importing.test_source import JSON

HERE = Place("theirs", 7, "model_list[0]")


def test_a_policy_reads_as_if_somebody_had_written_it() -> None:
    policy = imported(
        """\
        model_list:
          - model_name: fast
            litellm_params:
              model: openrouter/qwen/qwen3-coder
              extra_body: {provider: {order: [DeepInfra], max_price: {prompt: 1}, min: 5}}
          - model_name: cheap
            litellm_params:
              model: openrouter/qwen/qwen3-coder
              extra_body: {provider: {sort: price}}
          - model_name: z-ai/glm-4.7
            litellm_params:
              model: openrouter/z-ai/glm-4.7
              extra_body: {provider: {zdr: true}}
        """
    )
    body = "model_list[{}].litellm_params.extra_body.provider"
    assert policy.text == (
        "# Imported by Pointsman from theirs (LiteLLM's proxy).\n"
        "# Save it among your policies, then try `pointsman check` and "
        "`pointsman explain MODEL`.\n"
        "#\n"
        "# Not carried over, or not as it was written:\n"
        "# - theirs:5: model_list[0].litellm_params.extra_body.provider.min: OpenRouter has "
        "no such field\n"
        "version: 1\n"
        "\n"
        "rules:\n"
        f"  # theirs:13: {body.format(2)}\n"
        "  - name: z-ai/glm-4.7 from litellm\n"
        "    models: [z-ai/glm-4.7]\n"
        "    merge: tighten\n"
        "    zdr: true\n"
        "\n"
        "aliases:\n"
        f"  # theirs:5: {body.format(0)}\n"
        "  fast:\n"
        "    model: qwen/qwen3-coder\n"
        "    preferences:\n"
        "      order: [deepinfra]\n"
        "      max_price: {prompt: 1}\n"
        "\n"
        f"  # theirs:9: {body.format(1)}\n"
        "  cheap:\n"
        "    model: qwen/qwen3-coder\n"
        "    preferences: {sort: price}\n"
    )


@given(st.text(max_size=80), st.text(max_size=200))
@example("a\nversion: 2", "\u2028version: 2\x85version: 3\rversion: 4")
@settings(max_examples=60, deadline=None)
def test_no_comment_ever_becomes_more_than_a_comment(what: str, why: str) -> None:
    left = Left(Place("theirs", 1, what), what, why)
    text = write(Plan((), (), ()), why, [left]).text
    assert yaml.safe_load(text) == {"version": 1}


def test_comments_are_wrapped_where_they_can_be() -> None:
    lines = as_comment("word " * 60, indent="  ", hanging="  ")
    assert len(lines) > 1
    assert all(line.startswith("  # ") and len(line) <= 96 for line in lines)
    assert as_comment("x" * 200)[-1].endswith("x" * 200)


@given(JSON)
@settings(max_examples=100, deadline=None)
def test_any_value_reads_back_as_what_it_was(value: object) -> None:
    assert yaml.safe_load(as_yaml(value)) == value


def test_a_list_that_occurs_twice_is_written_out_twice() -> None:
    twice = ["novita"]
    assert as_yaml({"only": twice, "order": twice}) == "only: [novita]\norder: [novita]\n"


def test_each_line_belongs_to_the_part_that_begins_before_it() -> None:
    rules = [PlannedRule(name, ("a/b",), {"zdr": True}, (HERE,)) for name in ("one", "two")]
    alias = PlannedAlias("mine", "a/b", {}, (HERE,))
    written = write(Plan(tuple(rules), (alias,), ()), "theirs", ())
    lines = written.text.splitlines()
    parts: tuple[Planned, ...] = (*rules, alias)
    for part in parts:
        line = next(number for number, text in enumerate(lines, 1) if part.name in text)
        assert written.at(line) is part
    assert written.at(1) is None


def test_of_many_places_the_first_are_shown() -> None:
    places = tuple(Place("theirs", line, "x") for line in range(1, 9))
    text = write(Plan((PlannedRule("r", ("a/b",), {}, places),), (), ()), "theirs", ()).text
    assert "# theirs:5: x\n  # and 3 more\n" in text


def test_a_place_without_a_path_is_a_file_and_a_line() -> None:
    assert str(Place("theirs", 3, "")) == "theirs:3"
