"""How far an audit is: a bar for each endpoint on a terminal, else a line now and then."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from rich.progress import BarColumn, Progress, TaskID, TextColumn

from ..auditing.runner import Run, Standing
from ..shown import one_line, shown
from .terminal import Console

_EVERY_SECONDS = 15.0


@contextmanager
def showing(run: Run) -> Iterator[None]:
    """Show the progress of a run on standard error while the block lasts."""
    console = Console(stderr=True)
    if not console.is_terminal:
        run.told = _Lines(console, run)
        yield
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[count]}"))
    with Progress(*columns, console=console, transient=True) as progress:
        run.told = _Bars(progress, run)
        yield


class _Bars:
    """A bar for each endpoint, and one for the money."""

    def __init__(self, progress: Progress, run: Run) -> None:
        self._progress, self._run = progress, run
        self._bars: dict[str, TaskID] = {}
        self._money = progress.add_task(self._spent(), total=1.0, count="")

    def __call__(self) -> None:
        for tag, each in self._run.standings.items():
            if tag not in self._bars:
                name = shown(one_line(tag))
                self._bars[tag] = self._progress.add_task(name, total=each.total, count="")
            count = "given up" if each.given_up else f"{each.done:,} of {each.total:,}"
            self._progress.update(self._bars[tag], completed=each.done, count=count)
        purse = self._run.purse
        share = float(purse.spent / purse.ceiling) if purse.ceiling else 1.0
        self._progress.update(self._money, description=self._spent(), completed=share)

    def _spent(self) -> str:
        return f"${self._run.purse.spent:.4f} of up to ${self._run.purse.ceiling:.4f}"


class _Lines:
    """A line every few seconds."""

    def __init__(self, console: Console, run: Run) -> None:
        self._console, self._run = console, run
        self._next = time.monotonic() + _EVERY_SECONDS

    def __call__(self) -> None:
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + _EVERY_SECONDS
            done, total = progress_of(self._run.standings)
            self._console.print(f"{done:,} of {total:,} answers, ${self._run.purse.spent:.4f}")


def progress_of(standings: Mapping[str, Standing]) -> tuple[int, int]:
    """How many answers are there, and how many there should be."""
    return sum(e.done for e in standings.values()), sum(e.total for e in standings.values())
