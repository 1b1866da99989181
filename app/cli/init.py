"""`pointsman init`: writes a commented starter policy for the given models and tools."""

import json
from collections.abc import Collection, Iterable, Mapping
from itertools import chain, count
from pathlib import Path

from ..errors import PolicyFileError, SettingsError, reason_of
from ..policy.file.parse import read_book
from ..policy.file.schema import MODEL, json_schema
from ..policy_folder import policy_files
from ..suggest import did_you_mean
from ..tools.table import TOOLS
from .words import command

_HEAD = """\
# yaml-language-server: $schema=schema.json
# The policy for your requests. A saved change takes effect at once. `pointsman explain MODEL`
# shows what is sent under it, and why; docs/policies.md describes every key.
version: 1

rules:
  - name: careful
    models: ["*"]                  # every model, unless a rule below sets more
    quantization_floor: fp8        # 8 bits or better
    unknown_quantization: auto     # closed models declare nothing and stay reachable
    data_collection: deny          # no provider that keeps what you send

  # These were published at 4 bits, so no provider has more.
  - name: published-at-4-bits
    models: ["openai/gpt-oss-*", "moonshotai/kimi-k2-thinking"]
    quantization_floor: int4
"""

_OF_A_MODEL = """
  - name: {name}
    models: ["{model}"]
    allow_fallbacks: true                       # another provider is tried when one fails
    # pin: [novita/fp8, deepinfra]              # or: these, in this order, and no other
    # sort: throughput                          # or price, or latency
    # max_price: {{prompt: 0.5, completion: 2}}   # USD per million tokens
"""

_OF_A_TOOL = """
  # - name: {name}                              # only for requests from {name}
  #   models: ["*"]
  #   user_agents: ["{user_agent}"]
  #   sort: latency
"""


def init(models: Iterable[str], tools: Iterable[str], file: Path) -> None:
    """Write a starter policy, with the schema for editors; print the next steps.

    Raises `SettingsError` for an invalid name, and rather than overwrite a file.
    """
    models, tools = list(dict.fromkeys(models)), list(dict.fromkeys(tools))
    for model in models:
        if not MODEL.fits(model):
            raise SettingsError(f'"{model}" is not {MODEL.noun}{MODEL.remedy(model)}')
    for tool in tools:
        if tool not in TOOLS:
            hint = did_you_mean(tool, TOOLS) or f"; known ones are {', '.join(TOOLS)}"
            raise SettingsError(f'no recipe for the tool "{tool}"{hint}')
    if file.suffix not in {".yaml", ".yml"}:
        raise SettingsError(f"{file} would not be read; a policy file must end in .yaml")
    text = starter(models, tools, beside=_texts_beside(file))
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("x", encoding="utf-8") as new:
            new.write(text)
    except FileExistsError:
        raise SettingsError(
            f"{file} already exists; edit it, or set another with --output"
        ) from None
    except OSError as error:
        raise SettingsError(f"can't write {file}: {reason_of(error)}") from None
    _write_schema(file.with_name("schema.json"))
    model = next(iter(models), "MODEL")
    where = "" if file.parent == Path("policies") else f" --policies {file.parent}"
    print(f"wrote {file}; try it: {command()} explain {model}{where}")
    for tool in tools:
        print(f"{tool}: {TOOLS[tool].setting}")


def starter(
    models: Iterable[str], tools: Iterable[str], *, beside: Mapping[str, str] | None = None
) -> str:
    """Return the text of a starter policy that is valid together with the files `beside` it.

    It is parsed once, together with them, to make sure that it is valid. Raises `SettingsError` if
    those files are not.
    """
    others = beside or {}
    try:
        taken = {rule.name.lower() for rule in read_book(others).rules}
    except PolicyFileError as error:
        raise SettingsError(f"correct the existing policies first:\n{error}") from None
    # Existing policies already apply to all models: only new rules are added.
    pieces = [_HEAD if not others else _HEAD.partition("  - name")[0]]
    for model in models:
        name = _free(model.replace("/", "-").replace(":", "-"), taken)
        taken.add(name)
        pieces.append(_OF_A_MODEL.format(name=name, model=model))
    pieces += [
        _OF_A_TOOL.format(name=_free(tool, taken), user_agent=TOOLS[tool].user_agent)
        for tool in tools
        if TOOLS[tool].user_agent
    ]
    text = (
        "".join(pieces)
        if len(pieces) > 1 or not others
        else pieces[0].replace("rules:\n", "rules: []\n")
    )
    read_book({**others, "starter.yaml": text})
    return text


def _free(name: str, taken: Collection[str]) -> str:
    """`name`, with a number appended if there is a rule of that name."""
    numbered = (f"{name}-{number}" for number in count(2))
    return next(each for each in chain([name], numbered) if each.lower() not in taken)


def _texts_beside(file: Path) -> dict[str, str]:
    if not file.parent.is_dir():
        return {}
    others = (each for each in policy_files(file.parent) if each != file)
    return {str(each): each.read_text(encoding="utf-8") for each in others}


def _write_schema(file: Path) -> None:
    """Write the schema for editors; a different file of that name is not changed."""
    if file.exists() and "Pointsman policy" not in file.read_text(
        encoding="utf-8", errors="replace"
    ):
        print(f"{file} is not a policy schema and was kept; editors won't find the schema")
        return
    file.write_text(json.dumps(json_schema(), indent=2) + "\n", encoding="utf-8")
