"""Who has signed in."""

from app.dashboard.sessions import Sessions


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_session_says_whose_it_is() -> None:
    sessions = Sessions()
    aider, ci = sessions.begin("aider"), sessions.begin("ci")
    assert (sessions.caller_of(aider), sessions.caller_of(ci)) == ("aider", "ci")


def test_ids_are_long_and_never_the_same() -> None:
    sessions = Sessions()
    ids = {sessions.begin("aider") for _ in range(100)}
    assert len(ids) == 100
    assert min(map(len, ids)) >= 43


def test_nobody_gets_in_with_an_id_that_was_never_given() -> None:
    sessions = Sessions()
    known = sessions.begin("aider")
    assert [sessions.caller_of(each) for each in ("", "x", known[:-1], known + "x")] == [None] * 4


def test_a_session_ends_when_its_time_is_up() -> None:
    clock = Clock()
    sessions = Sessions(clock=clock, seconds=60)
    session_id = sessions.begin("aider")
    clock.now += 59
    assert sessions.caller_of(session_id) == "aider"
    clock.now += 1
    assert sessions.caller_of(session_id) is None
    clock.now -= 30
    assert sessions.caller_of(session_id) is None


def test_a_session_that_was_ended_stays_ended() -> None:
    sessions = Sessions()
    session_id = sessions.begin("aider")
    sessions.end(session_id)
    sessions.end(session_id)
    assert sessions.caller_of(session_id) is None


def test_the_oldest_makes_room_for_the_newest() -> None:
    sessions = Sessions(capacity=2)
    first, second, third = (sessions.begin(name) for name in ("a", "b", "c"))
    assert [sessions.caller_of(each) for each in (first, second, third)] == [None, "b", "c"]


def test_neither_ids_nor_their_like_are_kept() -> None:
    sessions = Sessions()
    session_id = sessions.begin("aider")
    assert session_id not in repr(vars(sessions))
