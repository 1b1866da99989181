"""Models by providers, failed attempts included."""

from app.dashboard.address import address_of
from app.dashboard.matrix import attempts_by_host, attempts_of, matrix_of
from app.ledger.attempts import FailedAttempt
from tests.dashboard.stats import group

HERE = address_of("/dashboard/who", {}, reads=None, usual="24h")


def test_a_failed_attempt_counts_at_the_provider_that_failed() -> None:
    failed = {
        FailedAttempt("Groq", "m", "novita", receipt_failed=False): 3,
        FailedAttempt("Novita", "m", "novita", receipt_failed=True): 2,
    }
    attempts = attempts_by_host(failed, str.lower)
    assert attempts == {("m", "groq"): 3}
    assert attempts_of(attempts) == {"groq": 3}
    groups = [group("m", "novita", requests=8, errors=2), group("m", None, requests=2, refused=2)]
    matrix = matrix_of(groups, attempts, HERE)
    assert [name.text for name, _ in matrix.providers] == ["novita", "groq", "refused by Pointsman"]
    (line,) = matrix.lines
    novita, groq, refused = line.squares
    assert novita is not None
    assert groq is not None
    assert refused is not None
    assert (novita.share, novita.facts[2][1:]) == (0.8, ("25.0\N{NARROW NO-BREAK SPACE}%", "bad"))
    assert groq.failures == "3 failed attempts"
    assert groq.facts[2][1].startswith("100")
    assert novita.failures == "2 failed requests"
    assert "provider=novita" in novita.href
    assert "failed=true" in novita.failures_href
    assert refused.share == 0.2


def test_models_beyond_so_many_are_left_out_and_counted() -> None:
    matrix = matrix_of([group(f"m{at}", "p", requests=1) for at in range(45)], {}, HERE)
    assert (len(matrix.lines), matrix.left_out) == (40, 5)
