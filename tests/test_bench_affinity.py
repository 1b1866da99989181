"""The measurement of affinity: what it counts, in a small run of it."""

from bench.affinity import HEADINGS, Size, plot, run, table

SMALL = Size(conversations=12, turns=8, seed=3)


def test_strict_never_fails_a_continuation_and_nothing_leaves_the_policy() -> None:
    off, strict = run("off", SMALL), run("strict", SMALL)
    assert off.outside == strict.outside == 0
    assert off.errors(400) > 0  # else there was nothing to keep
    assert strict.errors(400) == 0
    assert strict.flips == 0
    assert strict.cached > 0.5
    assert len(off.answered) == 12 * 8
    assert table([off, strict]).count("\n") == 3
    assert all(each in table([off]) for each in HEADINGS)


def test_the_plot_has_a_line_for_each_mode() -> None:
    small = Size(conversations=2, turns=2, seed=1)
    drawn = plot([run(each, small) for each in ("off", "hint", "pin", "strict")])
    assert drawn.startswith("<svg")
    assert all(f">{each}<" in drawn for each in ("off", "hint", "pin", "strict"))
