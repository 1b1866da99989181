"""The plots of how cost grows. PURE: rows in, SVG out."""

from collections.abc import Callable
from typing import Any

from svg import COLOURS, OTHERS, Line, Panel, figure

Table = list[dict[str, Any]]


def lines(table: Table, key: str, unit: float = 1.0) -> list[Line]:
    """A curve for each target, Pointsman's first."""
    targets = sorted({row["target"] for row in table}, key=lambda name: (name == "nginx", name))
    found = []
    for target in targets:
        points = [
            (row["size"], row[key] / unit)
            for row in table
            if row["target"] == target and key in row
        ]
        name = target.replace("pointsman", "Pointsman")
        colour = COLOURS.get(target, OTHERS[0])
        if points:
            found.append(Line(name, sorted(points), colour, dashed=target == "nginx"))
    return found


def bodies(table: Table) -> str:
    a_request = Panel(
        "A request", "bytes of the body", "CPU, ms", lines(table, "cpu_us", 1000), y_log=True
    )
    a_kb = Panel(
        "A kilobyte of it",
        "bytes of the body",
        "CPU, µs/kB",
        lines(table, "cpu_us_per_kb"),
        y_log=True,
    )
    return figure("What larger bodies cost", [a_request, a_kb])


def streams(table: Table) -> str:
    there = "open streams, 1,000 chunks a second in all"
    a_chunk = Panel("A chunk", there, "CPU, µs", lines(table, "cpu_us"))
    a_stream = Panel("An open stream", "open streams", "memory (RSS), kB", lines(table, "kb"))
    return figure("What more streams cost", [a_chunk, a_stream])


def rules(table: Table) -> str:
    panel = Panel("A short request", "rules of the policy", "CPU, µs", lines(table, "cpu_us"))
    return figure("What more rules cost", [panel])


def ledger(table: Table) -> str:
    panel = Panel(
        "A short request, the ledger's thread included",
        "receipts in the ledger before",
        "CPU, µs",
        lines(table, "cpu_us"),
    )
    return figure("What a larger ledger costs", [panel])


def workers(table: Table) -> str:
    ours = [row for row in table if row["target"] == "pointsman"]
    there = "workers, on both cores with the load"
    number = Panel("Short requests", there, "a second", lines(ours, "per_second"))
    a_request = Panel("A short request", there, "CPU, µs", lines(ours, "cpu_us"))
    return figure("What a second worker brings", [number, a_request])


PLOTS: dict[str, Callable[[Table], str]] = {
    "bodies": bodies,
    "streams": streams,
    "rules": rules,
    "ledger": ledger,
    "workers": workers,
}
