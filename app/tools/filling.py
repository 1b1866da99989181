"""Fills a tool's recipe for one run, or for its configuration file. PURE."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from string import Template
from typing import Any

from .editing import Edit
from .table import ANY_PROGRAM
from .tool import ANY_KEY, KEY_VARIABLE, Config, Launch


@dataclass(frozen=True, slots=True)
class Target:
    """Where a tool is pointed: the address, the model, and the caller key, if one is asked for."""

    address: str
    model: str | None = None
    key: str | None = None

    def values(
        self, *, folder: str | None = None, by_name: str | None = None, plain: bool = False
    ) -> dict[str, str]:
        """The placeholders that have a value; `plain`: `$any` is the key, if one is asked for."""
        asked = self.key is not None
        found = {
            "address": self.address,
            "base": f"{self.address}/v1",
            "key": self.key if asked else ANY_KEY,
            "any": (self.key if plain else None) if asked else ANY_KEY,
            "by_name": by_name if asked else ANY_KEY,
            "variable": KEY_VARIABLE if asked else None,
            "folder": folder,
            "model": self.model,
            "toml_model": None if self.model is None else json.dumps(self.model),
        }
        return {name: value for name, value in found.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Run:
    """A tool's run: its program, arguments before the user's own, variables and files."""

    program: str
    arguments: tuple[str, ...]
    variables: Mapping[str, str]
    without: tuple[str, ...]
    files: Mapping[str, str]  # in the throw-away folder


def run_of(launch: Launch, target: Target, folder: str | None) -> Run:
    """What a run of a tool needs, beside a copy of its configuration.

    Without a folder, what needs one is left out.
    """
    values = target.values(folder=folder)
    return Run(
        program=launch.program,
        arguments=tuple(
            each
            for group in launch.arguments
            if None not in (found := [_filled(each, values) for each in group])
            for each in found
        ),
        variables=_texts(launch.variables, values),
        without=launch.without,
        files=_texts(launch.files, values),
    )


def any_program(program: str, target: Target) -> Run:
    """A run of a program that reads what the usual SDKs read."""
    return Run(program, (), _texts(ANY_PROGRAM, target.values()), (), {})


def edit_of(config: Config, target: Target, *, plain: bool = False) -> Edit:
    """What belongs into a tool's configuration file, by its paths; `plain`: the key, too."""
    values = target.values(by_name=config.by_name, plain=plain)

    def filled(templates: Mapping[tuple[str, ...], Any]) -> dict[tuple[str, ...], Any]:
        named = (
            (tuple(_filled(key, values) for key in path), _filled(value, values))
            for path, value in templates.items()
        )
        return {path: value for path, value in named if value is not None and None not in path}

    return Edit(filled(config.values), filled(config.if_absent), config.whole)


def place_of(config: Config, variables: Mapping[str, str], exists: Callable[[str], bool]) -> str:
    """The path of the configuration file that the tool would read, or create."""
    for place in config.chosen:
        if all(variables.get(name) for name in Template(place).get_identifiers()):
            return Template(place).substitute(variables)
    usual = [Template(place).substitute(variables) for place in config.usual]
    return next((place for place in usual if exists(place)), usual[-1])


def _texts(templates: Mapping[str, Any], values: Mapping[str, str]) -> dict[str, str]:
    filled = {name: _filled(each, values) for name, each in templates.items()}
    return {
        name: each if isinstance(each, str) else json.dumps(each, ensure_ascii=False)
        for name, each in filled.items()
        if each is not None
    }


def _filled(template: Any, values: Mapping[str, str]) -> Any:
    """A template with its placeholders filled; None if one of them has no value."""
    if isinstance(template, Mapping):
        members = ((_filled(key, values), _filled(each, values)) for key, each in template.items())
        return {key: each for key, each in members if key is not None and each is not None}
    if not isinstance(template, str):
        return template
    found = Template(template)
    if not set(found.get_identifiers()) <= values.keys():
        return None
    return found.substitute(values)
