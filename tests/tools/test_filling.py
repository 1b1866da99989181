"""A recipe is filled with what a run has; what it has not is left out."""

import json
import tomllib

import pytest

from app.tools.filling import Target, any_program, edit_of, place_of, run_of
from app.tools.table import ANY_PROGRAM, TOOLS
from app.tools.tool import Config, Launch

HERE = "http://127.0.0.1:4477"
LAUNCHES = {name: tool.launch for name, tool in TOOLS.items() if tool.launch}
CONFIGS = {name: tool.config for name, tool in TOOLS.items() if tool.config}


@pytest.mark.parametrize("name", LAUNCHES)
def test_without_a_model_no_tool_is_given_one(name: str) -> None:
    run = run_of(LAUNCHES[name], Target(HERE), "/folder")
    with_one = run_of(LAUNCHES[name], Target(HERE, "acme/m-1"), "/folder")
    named = [each for each in with_one.arguments if "acme/m-1" in each]
    named += [each for each, value in with_one.variables.items() if value.endswith("acme/m-1")]
    assert not set(named) & {*run.arguments, *run.variables}
    assert "--model" not in run.arguments
    assert "$" not in str(run), "every placeholder is filled"


@pytest.mark.parametrize("name", [name for name in LAUNCHES if name != "llm"])
def test_every_run_is_given_the_address_and_a_model(name: str) -> None:
    launch = LAUNCHES[name]
    run = run_of(launch, Target(HERE, model="acme/m-1"), "/folder")
    if launch.copy is None:
        assert HERE in str(run)
        assert "acme/m-1" in str(run)


@pytest.mark.parametrize("name", LAUNCHES)
def test_no_caller_key_is_an_argument(name: str) -> None:
    """Arguments can be read by every user of the machine."""
    run = run_of(LAUNCHES[name], Target(HERE, "m", "secret-key"), "/folder")
    assert "secret-key" not in str(run.arguments)


@pytest.mark.parametrize("name", CONFIGS)
def test_no_caller_key_goes_into_a_tools_own_file(name: str) -> None:
    edit = edit_of(CONFIGS[name], Target(HERE, "m", "secret-key"))
    assert "secret-key" not in str(edit)
    assert "any" not in edit.values.values(), "a key that is none would be refused"
    config = CONFIGS[name]
    assert config.by_name or config.key_goes, "so it is said where it goes"


def test_a_copy_for_one_run_has_the_key() -> None:
    edit = edit_of(CONFIGS["cline"], Target(HERE, "m", "secret-key"), plain=True)
    assert edit.values["providers", "openrouter", "settings", "apiKey"] == "secret-key"


def test_a_model_of_any_characters_stays_one_text() -> None:
    model = 'a/"b\\$base'
    run = run_of(LAUNCHES["codex"], Target(HERE, model), "/folder")
    assert tomllib.loads(run.arguments[-1])["model"] == model
    content = run_of(LAUNCHES["opencode"], Target(HERE, model), None).variables
    assert json.loads(content["OPENCODE_CONFIG_CONTENT"])["model"] == f"openrouter/{model}"


def test_what_stands_in_a_folder_is_left_out_without_one() -> None:
    run = run_of(LAUNCHES["llm"], Target(HERE), None)
    assert run.variables == {"OPENAI_BASE_URL": f"{HERE}/v1", "OPENAI_API_KEY": "any"}


def test_any_program_is_given_what_sdks_read() -> None:
    run = any_program("mine", Target(HERE, "m", "k"))
    assert run.program == "mine"
    assert set(run.variables) == set(ANY_PROGRAM)
    assert set(run.variables.values()) == {HERE, f"{HERE}/v1", "m", "k"}


def test_a_group_of_arguments_goes_as_a_whole() -> None:
    launch = Launch(program="p", arguments=(("--model", "$model"), ("--url", "$base")))
    assert run_of(launch, Target(HERE), None).arguments == ("--url", f"{HERE}/v1")


PLACES = Config(
    kind="json", chosen=("$OWN", "$DIR/a.json"), usual=("$HOME/b.jsonc", "$HOME/b.json"), values={}
)


@pytest.mark.parametrize(
    ("variables", "there", "found"),
    [
        ({"OWN": "/x/c.json", "DIR": "/d"}, [], "/x/c.json"),
        ({"OWN": "", "DIR": "/d"}, ["/h/b.json"], "/d/a.json"),
        ({}, ["/h/b.json", "/h/b.jsonc"], "/h/b.jsonc"),
        ({}, ["/h/b.json"], "/h/b.json"),
        ({}, [], "/h/b.json"),
    ],
)
def test_the_file_is_the_one_that_the_tool_reads(
    variables: dict[str, str], there: list[str], found: str
) -> None:
    assert place_of(PLACES, {"HOME": "/h", **variables}, there.__contains__) == found
