"""Plots as SVG: lines over an axis, grouped bars. PURE: values in, text out."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

COLOURS = {
    "pointsman": "#1f6feb",
    "nginx": "#57606a",
    "caddy": "#1a7f37",
    "litellm": "#cf222e",
    "portkey": "#9a6700",
}
OTHERS = ("#8250df", "#0a7ea4", "#bf3989", "#3fb950")
STYLE = """\
text { font: 12px system-ui, "DejaVu Sans", sans-serif; fill: #24292f; }
.title { font-size: 15px; font-weight: 600; }
.panel { font-weight: 600; }
.small { font-size: 11px; fill: #57606a; }
.grid { stroke: #d8dee4; stroke-width: 1; }
.axis { stroke: #57606a; stroke-width: 1; }
.aim { stroke: #24292f; stroke-width: 2; }
"""


@dataclass(frozen=True)
class Line:
    """One curve."""

    name: str
    points: Sequence[tuple[float, float]]
    colour: str
    dashed: bool = False


@dataclass(frozen=True)
class Panel:
    """One pair of axes; x is logarithmic, unless `x_log` is off, with a place for 0 at the left."""

    title: str
    x: str
    y: str
    lines: Sequence[Line]
    y_log: bool = False
    x_log: bool = True


@dataclass(frozen=True)
class Bar:
    name: str
    value: float


def colour_of(name: str, others: list[str]) -> str:
    """The colour of a target; targets without a fixed colour get one in turn."""
    if name in COLOURS:
        return COLOURS[name]
    if name not in others:
        others.append(name)
    return OTHERS[others.index(name) % len(OTHERS)]


def number(value: float) -> str:
    """A number in its shortest form: 0.2, 35, 1,000, 10 M."""
    if value >= 1e6:
        return f"{value / 1e6:g} M"
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def _svg(width: float, height: float, parts: Sequence[str]) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'width="{width:.0f}" height="{height:.0f}">'
    )
    ground = '<rect width="100%" height="100%" fill="#fff"/>'
    return "\n".join([head, f"<style>{STYLE}</style>", ground, *parts, "</svg>"]) + "\n"


def _text(x: float, y: float, text: str, *, css: str = "", anchor: str = "start") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" class="{css}" text-anchor="{anchor}">{escape(text)}</text>'
    )


def _line(x1: float, y1: float, x2: float, y2: float, css: str) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{css}"/>'


def figure(title: str, panels: Sequence[Panel]) -> str:
    """Panels side by side under a title."""
    wide, high = (440 if len(panels) > 1 else 640), 340
    parts = [_text(16, 26, title, css="title")]
    for at, panel in enumerate(panels):
        parts += _panel(panel, 16 + at * wide, 44, wide - 32, high - 56)
    return _svg(len(panels) * wide, high, parts)


def _panel(panel: Panel, left: float, top: float, width: float, height: float) -> list[str]:
    x0, x1, y0, y1 = left + 52, left + width, top + height - 44, top + 54
    xs = sorted({x for line in panel.lines for x, _ in line.points})
    ys = [y for line in panel.lines for _, y in line.points]
    scale_x = _log_scale if panel.x_log else _linear_scale
    place_x = scale_x([_shifted(x, xs) for x in xs], x0, x1)
    ticks, place_y = (_log_ticks if panel.y_log else _linear_ticks)(ys, y0, y1)
    parts = [_text(left, top + 10, panel.title, css="panel")]
    legend = left
    for line in panel.lines:
        parts.append(
            f'<path d="M{legend:.0f},{top + 25:.0f}h18" stroke="{line.colour}" stroke-width="2.5"'
            f"{_dashes(line)}/>"
        )
        parts.append(_text(legend + 23, top + 29, line.name))
        legend += 36 + 6.6 * len(line.name)
    for tick in ticks:
        parts.append(_line(x0, place_y(tick), x1, place_y(tick), "grid"))
        parts.append(_text(x0 - 6, place_y(tick) + 4, number(tick), css="small", anchor="end"))
    parts += [_line(x0, y0, x1, y0, "axis"), _line(x0, y0, x0, y1, "axis")]
    free = math.inf  # up to where there is room for a number; the last one takes precedence
    for x in reversed(xs):
        at = place_x(_shifted(x, xs))
        parts.append(_line(at, y0, at, y0 + 4, "axis"))
        half = 3.3 * len(number(x))
        if at + half < free:
            parts.append(_text(at, y0 + 17, number(x), css="small", anchor="middle"))
            free = at - half - 4
    parts.append(_text((x0 + x1) / 2, y0 + 35, panel.x, css="small", anchor="middle"))
    parts.append(_text(x0 - 46, y1 - 8, panel.y, css="small"))
    for line in panel.lines:
        placed = [(place_x(_shifted(x, xs)), place_y(y)) for x, y in line.points]
        path = "L".join(f"{x:.1f},{y:.1f}" for x, y in placed)
        parts.append(
            f'<path d="M{path}" fill="none" stroke="{line.colour}" stroke-width="2.5"'
            f"{_dashes(line)}/>"
        )
        parts += [
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{line.colour}"/>' for x, y in placed
        ]
    return parts


def _dashes(line: Line) -> str:
    return ' stroke-dasharray="6 4"' if line.dashed else ""


def _shifted(x: float, xs: Sequence[float]) -> float:
    """Zero has no logarithm: it is drawn one step before the first value."""
    above = [each for each in xs if each > 0]
    if x > 0:
        return x
    return above[0] ** 2 / above[1] if len(above) > 1 else 0.1


def _log_scale(values: Sequence[float], start: float, end: float):
    low, high = math.log10(min(values)), math.log10(max(values))
    span = (high - low) or 1.0
    inner = (end - start) * 0.94
    return lambda value: start + (end - start) * 0.03 + (math.log10(value) - low) / span * inner


def _linear_scale(values: Sequence[float], start: float, end: float):
    low, span = min(values), (max(values) - min(values)) or 1.0
    inner = (end - start) * 0.94
    return lambda value: start + (end - start) * 0.03 + (value - low) / span * inner


def _log_ticks(values: Sequence[float], start: float, end: float):
    low = math.floor(math.log10(min(values)))
    high = max(math.ceil(math.log10(max(values))), low + 1)
    ticks = [10.0**power for power in range(low, high + 1)]
    return ticks, lambda value: start + (math.log10(value) - low) / (high - low) * (end - start)


def _linear_ticks(values: Sequence[float], start: float, end: float):
    most = max(values) * 1.08 or 1.0
    rough = most / 5
    size = 10 ** math.floor(math.log10(rough))
    step = next(size * each for each in (1, 2, 2.5, 5, 10) if size * each >= rough)
    ticks = [step * each for each in range(math.ceil(most / step) + 1)]
    return ticks, lambda value: start + value / ticks[-1] * (end - start)


def bars(
    title: str,
    groups: Sequence[tuple[str, Sequence[Bar], float | None]],
    *,
    unit: str,
    base: float,
) -> str:
    """Groups of bars on a logarithmic scale that begins at `base`; a stroke marks each aim."""
    others: list[str] = []
    names = list(dict.fromkeys(bar.name for _, row, _ in groups for bar in row))
    width, left, right = 760, 170, 60
    values = [bar.value for _, row, _ in groups for bar in row] + [base * 10]
    high = math.log10(max(values) / base) * 1.02

    def place(value: float) -> float:
        return left + max(math.log10(value / base), 0) / high * (width - left - right)

    parts, legend, y = [_text(16, 26, title, css="title")], 16.0, 76.0
    for name in names:
        colour = colour_of(name, others)
        parts.append(f'<rect x="{legend:.0f}" y="39" width="12" height="12" fill="{colour}"/>')
        parts.append(_text(legend + 17, 50, name))
        legend += 34 + 6.8 * len(name)
    if any(aim for _, _, aim in groups):
        parts.append(_line(legend + 5, 38, legend + 5, 53, "aim"))
        parts.append(_text(legend + 12, 50, "what is asked of Pointsman"))
    tops = [y]
    for label, row, aim in groups:
        parts.append(_text(left - 10, y + len(row) * 8 + 4, label, anchor="end"))
        for at, bar in enumerate(row):
            end = place(bar.value)
            parts.append(
                f'<rect x="{left}" y="{y + at * 16:.0f}" width="{max(end - left, 1):.1f}" '
                f'height="13" fill="{colour_of(bar.name, others)}"/>'
            )
            beside = end if aim is None or not end - 4 < place(aim) < end + 34 else place(aim)
            parts.append(_text(beside + 5, y + at * 16 + 11, number(bar.value), css="small"))
        if aim:
            parts.append(_line(place(aim), y - 3, place(aim), y + len(row) * 16, "aim"))
        y += len(row) * 16 + 14
        tops.append(y)
    grid = []
    ticks = [base * 10**power * each for power in range(int(high) + 1) for each in (1, 2, 5)]
    for tick in ticks:
        if math.log10(tick / base) <= high:
            grid.append(_line(place(tick), 66, place(tick), y - 6, "grid"))
            grid.append(_text(place(tick), y + 10, number(tick), css="small", anchor="middle"))
    grid.append(_text((left + width - right) / 2, y + 28, unit, css="small", anchor="middle"))
    return _svg(width, y + 40, [*grid, *parts])
