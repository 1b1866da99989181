"""What measures the defects makes what it says, and can find fault."""

from collections import Counter

import pytest

from app.defects.table import DEFECTS, NAMES

bench = pytest.importorskip("bench.defects", reason="a source distribution has no bench/")


def test_a_seed_makes_the_same_answers_of_every_kind() -> None:
    made = list(bench.Maker(3).answers(600))
    assert made == list(bench.Maker(3).answers(600))
    assert made != list(bench.Maker(4).answers(600))
    labels = Counter(one.label for one in made)
    assert set(labels) == {None, *NAMES}
    assert labels[None] == 300
    dialects = {(one.label, one.dialect) for one in made}
    assert all((row.name, each) in dialects for row in DEFECTS for each in row.dialects)
    assert {one.about for one in made} >= {
        "hard",
        "text",
        "call",
        "structure",
        "limit",
        "reasoning",
    }


def test_nearly_all_are_as_labelled_and_the_others_are_hard(
    capsys: pytest.CaptureFixture[str],
) -> None:
    total = bench.measured(600, seed=5, examples=9)
    assert capsys.readouterr().out == ""
    for name in NAMES:
        assert total.precision(name) > 0.8, name
        assert total.recall(name) > 0.8, name
    assert sum(total.both.values()) < sum(total.there.values()), "hard ones are missed"


def test_a_wrong_finding_counts_and_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    clean = bench.Labelled(None, "chat", {}, {"text": "x"})
    faulty = bench.Labelled("empty", "chat", {}, {"text": ""})
    pairs = [(clean, ("empty",)), (faulty, ("empty",)), (faulty, ()), (clean, ())]
    total = bench.score(iter(pairs), examples=1)
    assert (total.precision("empty"), total.recall("empty")) == (0.5, 0.5)
    assert (total.precision("repetition"), total.recall("repetition")) == (1.0, 1.0)
    assert capsys.readouterr().out.count("not as labelled") == 1


def test_it_prints_a_row_for_each_defect(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["defects", "--answers", "44"])
    bench.main()
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[-len(NAMES) :]] == list(NAMES)
