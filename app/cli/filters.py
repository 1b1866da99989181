"""The options that filter receipts: the same for all commands that read receipts."""

import inspect
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import SettingsError

if TYPE_CHECKING:
    from ..ledger.wanted import Wanted

# By the names of `Wanted`; each is an option: --user-agent for user_agent.
FILTERS = {
    "model": "Only this model; * and ? are wildcards.",
    "alias": "Only this alias; wildcards too.",
    "provider": "Only this provider, by slug.",
    "quantization": "Only listed as this, e.g. fp8.",
    "caller": "Only this caller.",
    "user_agent": "Only this tool, e.g. 'OpenAI/*'.",
    "rule": "Only where this rule applied.",
    "verdict": "Only kept, broken, unproven, or none.",
    "status": "Only this HTTP status.",
    "failed": "Only requests that failed, or did not.",
    "refused": "Only requests that Pointsman refused, or did not.",
    "ending": "Only complete, empty, unfinished, ...",
    "defect": "Only with this defect; any, or none.",
    "session": "Only this session, as receipts name it.",
    "path": "Only this path, e.g. '*/messages'.",
    "dialect": "Only this API: chat, messages, ...",
    "audit": "Those of this audit, or of any.",
    "since": "Only after e.g. 90m, 12h, 7d or a date.",
    "until": "Only before that time.",
}
_SWITCHES = frozenset({"failed", "refused"})
_VALUES = {  # what --help shows as an option's value, where the option's name doesn't say it
    "user_agent": "TOOL",
    "status": "NUMBER",
    "dialect": "API",
    "audit": "ID",
    "since": "TIME",
    "until": "TIME",
}


def filtered(command: Callable[..., None]) -> Callable[..., None]:
    """Return the command with an option for each filter instead of its parameter `wanted`."""
    own = inspect.signature(command).parameters.values()
    options = [
        inspect.Parameter(
            name,
            inspect.Parameter.POSITIONAL_OR_KEYWORD,
            default=None,
            annotation=Annotated[bool | None, typer.Option(help=said)]
            if name in _SWITCHES
            else Annotated[
                str | None, typer.Option(metavar=_VALUES.get(name, name.upper()), help=said)
            ],
        )
        for name, said in FILTERS.items()
    ]
    parameters: list[inspect.Parameter] = []
    for each in own:
        parameters += options if each.name == "wanted" else [each]

    @wraps(command)
    def run(**given: Any) -> None:
        filters = {name: given.pop(name) for name in FILTERS}
        command(**given, wanted=wanted_of(filters))

    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {each.name: each.annotation for each in parameters}
    return run


def wanted_of(filters: dict[str, Any]) -> "Wanted":
    """Parse the given options. Raises `SettingsError` that names the invalid option."""
    from ..ledger.wanted import FilterError, read  # noqa: PLC0415 - start-up stays short

    given = {
        name: str(value).lower() if name in _SWITCHES else value
        for name, value in filters.items()
        if value is not None
    }
    try:
        return read(given)
    except FilterError as error:
        option = error.name.replace("_", "-")
        raise SettingsError(f"--{option}: {error.problem}") from None
