"""A brake forgets, tells how long to wait, and never grows."""

from hypothesis import given
from hypothesis import strategies as st

from app.server.brake import Brake


class Clock:
    """A clock that is set."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_within_the_allowance_nothing_waits() -> None:
    brake = Brake(clock=Clock())
    assert [brake.note("a", a_minute=5) for _ in range(5)] == [0] * 5
    assert brake.note("a", a_minute=5) > 0
    assert brake.note("b", a_minute=5) == 0


def test_who_goes_on_waits_longer_up_to_a_minute() -> None:
    brake = Brake(clock=Clock())
    waits = [brake.note("a", a_minute=20) for _ in range(100)]
    assert waits[:20] == [0] * 20
    assert waits[20:40] == sorted(waits[20:40])
    assert set(waits[40:]) == {60}


def test_who_waits_is_let_go_on() -> None:
    clock = Clock()
    brake = Brake(clock=clock)
    clock.now += [brake.note("a", a_minute=20) for _ in range(100)][-1]
    assert brake.note("a", a_minute=20) <= 3  # the allowance of this minute is just used up
    clock.now += 120
    assert brake.note("a", a_minute=20) == 0


@given(st.lists(st.tuples(st.integers(0, 50), st.floats(0, 10)), max_size=200))
def test_it_is_bounded_whatever_comes(events: list[tuple[int, float]]) -> None:
    clock = Clock()
    brake = Brake(clock=clock, most=8)
    for place, passed in events:
        clock.now += passed
        assert 0 <= brake.note(str(place), a_minute=3) <= 60
        assert len(brake.places) <= 8
