"""What is known of a tool: how it is set for one run, and in its own configuration file. PURE.

Texts have placeholders. One that has no value in a run leaves out what it stands in: the variable,
the member or the group of arguments.

    $address    Pointsman's address: http://127.0.0.1:4477
    $base       the same with /v1
    $model      the model; no value: the tool uses its own
    $toml_model the model as a text in TOML
    $folder     the throw-away folder; no value in a configuration file
    $key        the key that the tool sends
    $any        a key that is none; no value if Pointsman asks for a caller key
    $by_name    how the file refers to the variable that holds the key; `any` if none is asked for
    $variable   the name of that variable; no value if none is asked for
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

KEY_VARIABLE = "POINTSMAN_KEY"
ANY_KEY = "any"


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """How a tool is set for one run. What the user's own configuration says otherwise stays."""

    program: str
    install: str | None = None  # the command that installs it
    variables: Mapping[str, Any] = field(default_factory=dict)  # a mapping is written as JSON
    without: tuple[str, ...] = ()  # variables that would lead elsewhere
    arguments: tuple[tuple[str, ...], ...] = ()  # in groups, before the user's own
    files: Mapping[str, Any] = field(default_factory=dict)  # in the folder; a mapping is JSON
    copy: str | None = None  # in the folder: the tool's own configuration file, with our values
    links: bool = False  # beside the copy, links to what is beside the original


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The tool's own configuration file: where it is, and what belongs into it."""

    kind: str  # a name in `editing.FORMATS`
    chosen: tuple[str, ...] = ()  # the first of these whose variable is set is the file
    usual: tuple[str, ...]  # else the first that exists, else the last
    values: Mapping[tuple[str, ...], Any]
    if_absent: Mapping[tuple[str, ...], Any] = field(default_factory=dict)
    whole: tuple[str, ...] = ()  # what is taken out as a whole if it was not there
    by_name: str | None = None  # how it refers to a variable
    key_goes: str | None = None  # where a caller key goes, if not by name into the file
    needs_model: bool = False
    afterwards: str | None = None  # what is left to do


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """One tool: its recipe in short, how it is recognised, and how it is set."""

    setting: str
    user_agent: str | None = None  # a pattern; None: it names only the SDK that the tool uses
    launch: Launch | None = None
    config: Config | None = None
    names: tuple[str, ...] = ()  # other names by which it is known
