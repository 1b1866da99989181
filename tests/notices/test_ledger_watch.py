"""Trouble with the ledger: told once it lasts, and its end."""

from app.notices.ledger_watch import LedgerWatch


def looks(watch: LedgerWatch, now: float, *, fails: bool, dropped: int = 0) -> list[str]:
    hour = f"h{int(now) // 3600}"
    found = watch.look(fails=fails, waiting=7, dropped=dropped, now=now, hour=hour)
    return [f"{each.window} {each.title}" for each in found]


def test_trouble_is_told_once_it_has_lasted_and_so_is_its_end() -> None:
    watch = LedgerWatch()
    assert looks(watch, 3590, fails=True) == []
    assert looks(watch, 3599, fails=True) == []
    assert looks(watch, 3601, fails=True) == ["h0/trouble Receipts can't be written"]
    assert looks(watch, 3700, fails=True) == []
    assert looks(watch, 3800, fails=False) == ["h0/over Receipts are written again"]
    assert looks(watch, 3801, fails=False) == []


def test_short_trouble_is_not_told_and_neither_is_its_end() -> None:
    watch = LedgerWatch()
    seen = [looks(watch, at, fails=fails) for at, fails in ((0, True), (9, False), (12, True))]
    assert seen == [[], [], []]
    assert looks(watch, 21, fails=True) == []
    assert looks(watch, 22, fails=True) != []


def test_lost_receipts_are_told_with_those_since_the_last_time() -> None:
    watch = LedgerWatch()
    assert looks(watch, 0, fails=False, dropped=2) == ["h0 2 receipts lost"]
    assert looks(watch, 1, fails=False, dropped=2) == []
    assert looks(watch, 2, fails=False, dropped=3) == ["h0 1 receipt lost"]
