"""`pointsman init`: a commented starter policy for the models and tools that were named."""

import json
from collections.abc import Iterable
from pathlib import Path

from app.cli.tools import TOOLS
from app.errors import SettingsError
from app.policy.parse import read_book
from app.policy.schema import MODEL, json_schema
from app.policy.shapes import did_you_mean

_HEAD = """\
# yaml-language-server: $schema=schema.json
# What Pointsman holds your requests to. A saved change takes effect at once.
# `pointsman explain MODEL` shows what comes of it; docs/policies.md describes every key.
version: 1

rules:
  - name: careful
    models: ["*"]                  # every model, until a rule below says more
    quantization_floor: fp8        # 8 bits or better
    unknown_quantization: auto     # closed models declare nothing and stay reachable
    data_collection: deny          # no host that keeps what you send

  # These were published at 4 bits: nothing better is to be had.
  - name: published-at-4-bits
    models: ["openai/gpt-oss-*", "moonshotai/kimi-k2-thinking"]
    quantization_floor: int4
"""

_OF_A_MODEL = """
  - name: {name}
    models: ["{model}"]
    allow_fallbacks: true                       # another host takes over when one fails
    # pin: [novita/fp8, deepinfra]              # or: these hosts, in this order, nobody else
    # sort: throughput                          # or price, or latency
    # max_price: {{prompt: 0.5, completion: 2}}   # USD per million tokens
"""

_OF_A_TOOL = """
  # - name: {name}                              # only when {name} asks
  #   models: ["*"]
  #   user_agents: ["{user_agent}"]
  #   sort: latency
"""


def init(models: Iterable[str], tools: Iterable[str], file: Path) -> None:
    """Write a starter policy, and the schema beside it for editors; say what to do next.

    Raises `SettingsError` for a name that is none, and rather than overwrite a file.
    """
    models, tools = list(dict.fromkeys(models)), list(dict.fromkeys(tools))
    for model in models:
        if not MODEL.fits(model):
            raise SettingsError(f'"{model}" is not {MODEL.noun}{MODEL.remedy(model)}')
    for tool in tools:
        if tool not in TOOLS:
            hint = did_you_mean(tool, TOOLS) or f"; known ones are {', '.join(TOOLS)}"
            raise SettingsError(f'there is no recipe for the tool "{tool}"{hint}')
    text = starter(models, tools)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("x", encoding="utf-8") as new:
            new.write(text)
    except FileExistsError:
        raise SettingsError(f"{file} exists; name another with --output, or edit it") from None
    except OSError as error:
        raise SettingsError(f"can't write {file}: {error.strerror}") from None
    file.with_name("schema.json").write_text(json.dumps(json_schema(), indent=2) + "\n")
    print(f"wrote {file}; see what comes of it: pointsman explain {next(iter(models), 'MODEL')}")
    for tool in tools:
        print(f"{tool}: {TOOLS[tool].setting}")


def starter(models: Iterable[str], tools: Iterable[str]) -> str:
    """The text of a starter policy; it is read once, so that it is sure to be sound."""
    pieces = [_HEAD]
    pieces += [
        _OF_A_MODEL.format(name=model.replace("/", "-").replace(":", "-"), model=model)
        for model in models
    ]
    pieces += [
        _OF_A_TOOL.format(name=tool, user_agent=TOOLS[tool].user_agent)
        for tool in tools
        if TOOLS[tool].user_agent
    ]
    text = "".join(pieces)
    read_book({"starter.yaml": text})
    return text
