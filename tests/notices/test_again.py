"""When a message is sent again, and when it is given up."""

import pytest

from app.notices.again import MOST_TRIES, Answer, pause_after, wait_of


def test_pauses_double_up_to_ten_minutes_and_end_after_twelve_tries() -> None:
    answer = Answer(error="timed out")
    pauses = [pause_after(answer, tries, 0.5) for tries in range(1, MOST_TRIES + 1)]
    assert pauses == [5, 10, 20, 40, 80, 160, 320, 600, 600, 600, 600, None]
    assert 3000 < sum(filter(None, pauses)) < 3600


def test_pauses_are_shaken_by_a_quarter() -> None:
    answer = Answer(500)
    assert (pause_after(answer, 1, 0.0), pause_after(answer, 1, 1.0)) == (3.75, 6.25)


@pytest.mark.parametrize("status", [301, 307, 400, 401, 403, 404, 410, 413])
def test_what_would_be_refused_again_is_not_repeated(status: int) -> None:
    assert pause_after(Answer(status), 1, 0.5) is None


@pytest.mark.parametrize("status", [408, 409, 425, 429, 500, 502, 503, 100])
def test_what_may_pass_is_repeated(status: int) -> None:
    assert pause_after(Answer(status), 1, 0.5) == 5.0


def test_a_pause_that_the_receiver_names_is_kept_up_to_a_bound() -> None:
    assert pause_after(Answer(429, wait=90), 1, 0.5) == 90
    assert pause_after(Answer(429, wait=86_400), 1, 0.5) == 600
    assert pause_after(Answer(429, wait=1), 1, 0.5) == 5


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("90", 90.0), ("", None), (None, None), ("-1", None), ("Wed, 21 Oct", None), ("9" * 7, None)],
)
def test_a_named_pause_is_read_in_seconds(header: str | None, seconds: float | None) -> None:
    assert wait_of(header) == seconds


@pytest.mark.parametrize(
    ("answer", "accepted", "text"),
    [
        (Answer(200), True, "HTTP 200"),
        (Answer(204), True, "HTTP 204"),
        (Answer(302), False, "HTTP 302, and redirects are not followed"),
        (Answer(404), False, "HTTP 404"),
        (Answer(199), False, "HTTP 199"),
        (Answer(error="timed out"), False, "timed out"),
    ],
)
def test_an_answer_is_told_in_a_few_words(
    answer: Answer,
    accepted: bool,  # noqa: FBT001 - a parameter of the test
    text: str,
) -> None:
    assert (answer.is_accepted, str(answer)) == (accepted, text)
