"""`pointsman prove --channels`: tests whether OpenRouter enforces `provider` on every channel.

On each channel that docs/channels.md calls held, it sends a request that no endpoint can satisfy;
a refusal is free, and is the proof. With `--positive`, it also sends one request to each tool that
calls a model inside, to show whether `provider` applies there, which is undocumented; that costs
some tokens. The table is Markdown, to be pasted unchanged.
"""

import asyncio
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from .. import __version__
from ..catalog.catalog import Catalog
from ..policy.forecast.channel_controls import Probe, inner_probes, probes
from ..policy.forecast.routing_refusal import read_refusal
from ..policy.request import read_request
from ..settings import Settings
from ..wire.frame import read_json
from .asking import Asking, asking
from .policies import book_of
from .terminal import print_json

INNER = "openai/gpt-4o-mini"

_OK = 200
_MOST_TOLD = 100  # characters of an error
_NO_CANDIDATE = "404 No models match"  # a router without any candidate
_REFUSED_INSIDE = ("No endpoints found", "No allowed providers")


@dataclass(frozen=True, slots=True)
class Seen:
    """One row: the answer on a channel, and its meaning."""

    channel: str
    outcome: str  # held, NOT HELD, undecided, untested; seen: ...
    answered: str
    why: str


@dataclass(frozen=True, slots=True)
class Asked:
    """The options: a model or alias, a preset's slug, a model for tools, and whether to pay."""

    model: str
    preset: str | None = None
    inner: str = INNER
    positive: bool = False


def prove_channels(settings: Settings, asked: Asked, *, as_json: bool) -> int:
    """Print a row for each channel.

    The exit code is 1 if a channel is not held, and 2 if an answer was inconclusive.
    """
    rows = asyncio.run(seen_on(settings, asked))
    if as_json:
        print_json([asdict(row) for row in rows], indent=2)
    else:
        today = datetime.now(UTC).date()
        version = f"Pointsman {__version__}, {today}"
        print(f"Does `provider` hold for {asked.model} on every channel? {version}")
        print("\n| Channel | Outcome | Answered | Why |\n|---|---|---|---|")
        for row in rows:
            cells = (row.channel, row.outcome, row.answered, row.why)
            print(f"| {' | '.join(map(_cell, cells))} |")
    outcomes = {row.outcome for row in rows}
    if "NOT HELD" in outcomes:
        return 1
    return 2 if "undecided" in outcomes else 0


async def seen_on(settings: Settings, asked: Asked) -> list[Seen]:
    """Every channel, tested as far as it can be."""
    book = book_of(settings)
    request = read_request(msgspec.json.encode({"model": asked.model, "messages": []}))
    route = book.route_for(request, caller=None, user_agent="", catalog=Catalog())
    model, inner = route.model_sent, asked.inner  # under its own name, if an alias is given
    async with asking(settings) as ask:
        catalog = await ask.named(Catalog(), outputs="text,image,embeddings,rerank")
        found = [await _tried(ask, each) for each in probes(model, catalog, preset=asked.preset)]
        if asked.positive:
            known = catalog
            for name in (model, inner):
                known = known.joined(await ask.catalog(name))
            found += [await _tried(ask, each) for each in inner_probes(model, inner, known)]
    return found


async def _tried(ask: Asking, probe: Probe) -> Seen:
    if probe.body is None:
        return Seen(probe.channel, "untested", "-", probe.why)
    status, body = await ask.answer(probe.path, probe.body)
    answer = read_json(body)
    error = answer.get("error") if isinstance(answer, dict) else None
    served = status == _OK and not error
    told = _told(status, answer, error)
    if not probe.demands:
        return Seen(probe.channel, _inside(body, served=served), told, probe.why)
    if not served and (read_refusal(body) is not None or told.startswith(_NO_CANDIDATE)):
        return Seen(probe.channel, "held", told, probe.why)
    return Seen(probe.channel, "NOT HELD" if served else "undecided", told, probe.why)


def _told(status: int, answer: Any, error: Any) -> str:
    if isinstance(error, dict):
        return f"{status} {str(error.get('message', ''))[:_MOST_TOLD]}".strip()
    named = answer.get("provider") if isinstance(answer, dict) else None
    return f"{status} from {named or 'a provider not named'}" if status == _OK else str(status)


def _inside(body: bytes, *, served: bool) -> str:
    """What an answer shows about a call inside: whether it ran although it should not have."""
    if not served:
        return "undecided"
    text = body.decode(errors="replace")
    if any(words in text for words in _REFUSED_INSIDE):
        return "seen: refused inside, so it holds there"
    if "server_tool" in text:
        return "seen: it ran, so it does not hold there"
    return "seen: the model did not use the tool"


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())
