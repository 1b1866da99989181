"""Two shuffled passes, each prompt in each as often as planned."""

from app.auditing.order import PASSES, Job, jobs, pass_of

TAGS = ("a", "b")


def all_jobs(answers: int, **done: set[Job]) -> list[dict[str, tuple[Job, ...]]]:
    return [
        jobs(number, tags=TAGS, prompts=30, answers=answers, seed=1, done=done)
        for number in range(PASSES)
    ]


def test_every_prompt_is_asked_as_often_as_planned_over_both_passes() -> None:
    for answers in (2, 3):
        passes = all_jobs(answers)
        for tag in TAGS:
            asked = sorted(job for each in passes for job in each[tag])
            assert asked == [Job(p, r) for p in range(30) for r in range(answers)]


def test_of_three_answers_two_are_asked_in_the_first_pass() -> None:
    assert [pass_of(each, 2) for each in range(2)] == [0, 1]
    assert [pass_of(each, 3) for each in range(3)] == [0, 0, 1]


def test_no_prompt_is_asked_again_before_all_were_asked_once() -> None:
    first = all_jobs(3)[0]["a"]
    assert [job.round for job in first] == [0] * 30 + [1] * 30


def test_each_pass_of_each_endpoint_has_an_order_of_its_own_and_always_the_same() -> None:
    passes = all_jobs(2)
    orders = {tuple(job.prompt for job in each[tag]) for each in passes for tag in TAGS}
    assert len(orders) == 4
    assert tuple(range(30)) not in orders
    assert all_jobs(2) == passes


def test_what_is_done_is_not_asked_again() -> None:
    done = {Job(3, 0), Job(4, 1)}
    first, second = all_jobs(2, a=done)
    assert Job(3, 0) not in first["a"]
    assert Job(4, 1) not in second["a"]
    assert (len(first["a"]), len(second["a"]), len(first["b"])) == (29, 29, 30)
