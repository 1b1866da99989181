"""The matrix of hosts: rates with their intervals, in an order that can be relied on."""

from collections.abc import Mapping
from typing import Any

from app.dashboard.address import address_of
from app.dashboard.scorecard import Matrix, Row, matrix_of
from app.ledger.scorecard import Outcome, scorecard

DAY = 20_000  # 2024-10-04


def outcome(number: int, provider: str | None = "novita", *defects: str, **said: Any) -> Outcome:
    usual: dict[str, Any] = {
        "model": "a/b",
        "provider": provider,
        "quantizations": ("fp8",),
        "day": DAY,
        "dialect": "chat",
        "ending": "complete",
        "status": 200,
        "with_tools": True,
        "with_json": False,
        "defects": defects,
        "attempts": (),
        "number": number,
    }
    return Outcome(**(usual | said))


def matrix(*outcomes: Outcome, most: int = 1000, **query: str) -> Matrix:
    card = scorecard(outcomes, ("provider", "quantization"), str.lower, most=most)
    return matrix_of(card, address_of("/dashboard/quality", query, reads=None, usual="7d"))


def rows(found: Matrix) -> Mapping[str, Row]:
    return {row.name.text: row for block in found.blocks for row in block.rows}


BAD = (
    outcome(30, "chutes", "tool_call_as_text"),
    outcome(70, "chutes"),
    outcome(200, "novita", day=DAY + 2),
    outcome(2, "groq", "repetition", "tool_call_as_text"),
    outcome(40, "together", ending="upstream_error", status=503),
    outcome(60, "together", attempts=(("Groq", 429), ("Together", 200))),
)


def test_hosts_are_sorted_by_what_is_sure_and_by_a_column_if_it_is_asked_for() -> None:
    assert list(rows(matrix(*BAD))) == ["groq, fp8", "together, fp8", "chutes, fp8", "novita, fp8"]
    found = matrix(*BAD, sort="tool_calls")
    # two of two: at least 34 %; 30 of 100: at least 22 %
    assert list(rows(found))[:2] == ["groq, fp8", "chutes, fp8"]
    assert [head.sorted for head in found.heads] == ["", "descending", "", "", ""]
    assert found.trend == "tool calls"


def test_each_figure_has_its_interval_its_number_and_its_receipts() -> None:
    chutes = rows(matrix(*BAD))["chutes, fp8"]
    _, tools, text, _, failed = chutes.squares
    assert tools is not None
    assert text is not None
    assert failed is not None
    assert tools.share.startswith("30.0")
    assert tools.interval.startswith("21.9 to 39.6")
    assert (tools.number, tools.is_faint) == ("100", False)
    assert tools.start < tools.at < tools.end == 100
    for part in ("since=7d", "model=a/b", "provider=chutes", "quantization=fp8"):
        assert part in tools.href
    assert "defect=tool_calls" in tools.href
    (detail,) = tools.details
    assert detail.text == "30 tool call as text"
    assert "defect=tool_call_as_text" in detail.href
    assert (text.share[0], text.href, text.details) == ("0", "", ())
    assert failed.href == ""


def test_rates_of_few_requests_are_faint() -> None:
    groq = rows(matrix(*BAD))["groq, fp8"]
    _, tools, *_, failed = groq.squares
    assert tools is not None
    assert failed is not None
    assert tools.is_faint
    assert not failed.is_faint  # with its 60 failed attempts


def test_failures_link_to_receipts_and_attempts_have_none_of_their_own() -> None:
    found = rows(matrix(*BAD))
    groq, together = found["groq, fp8"].squares[-1], found["together, fp8"].squares[-1]
    assert groq is not None
    assert together is not None
    assert groq.href == ""
    assert [each.text for each in groq.details] == ["60 failed attempts", "60 with status 429"]
    assert "failed=true" in together.href
    assert [each.text for each in together.details] == ["40 with status 503"]


def test_a_host_that_only_failed_is_named_by_its_provider() -> None:
    found = rows(matrix(outcome(3, attempts=(("Chutes", 500), ("Novita", 200)))))
    assert set(found) == {"chutes", "novita, fp8"}
    assert found["chutes"].squares[0] is None
    assert found["chutes"].days == ()


def test_days_are_drawn_on_one_scale_with_gaps_where_there_were_no_requests() -> None:
    found = rows(matrix(*BAD, outcome(50, "chutes", day=DAY + 2), sort="tool_calls"))
    first, last = found["chutes, fp8"].days
    assert (first.start, last.start) == (0, 200 / 3)
    assert first.top == 100 * (1 - 0.3)  # groq, with two of two, is the tallest
    assert last.top == 96  # a sliver
    assert first.title.startswith("2024-10-04: 30.0")
    assert "since=2024-10-04" in first.href
    assert last.href == ""
    assert not first.is_faint
    assert "2024-10-06: 0" in found["chutes, fp8"].told


def test_without_a_model_there_are_no_links() -> None:
    found = matrix(outcome(30, "novita", "empty", model=None))
    (block,) = found.blocks
    assert (block.name.text, block.href, block.rows[0].href) == ("no model", "", "")
    assert block.rows[0].squares[0] is not None
    assert block.rows[0].squares[0].href == ""


def test_models_and_hosts_beyond_so_many_are_left_out_and_counted() -> None:
    found = matrix(
        *(outcome(1, model=f"m{at}") for at in range(23)),
        *(outcome(9, f"p{at}") for at in range(25)),
        most=10,
    )
    assert (len(found.blocks), found.left_out, found.cut) == (20, 4, True)
    assert (len(found.blocks[0].rows), found.blocks[0].left_out) == (20, 5)


def test_an_empty_scorecard_has_no_rows() -> None:
    found = matrix()
    assert (found.heads, found.blocks, found.left_out) == ((), (), 0)
