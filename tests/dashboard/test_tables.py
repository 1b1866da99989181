"""Tables that sort and lead to receipts."""

import pytest

from app.dashboard.address import address_of
from app.dashboard.names import grouped, provider_name
from app.dashboard.tables import MOST_ROWS, Table, table_of
from tests.dashboard.stats import group

GROUPS = [
    group("b", requests=3, cost="0.5", errors=1),
    group("a", requests=5, cost="2"),
    group("c", requests=1, ttft=[100.0]),
]


def table(sort: str = "", by: str = "cost", *, newest_first: bool = False) -> Table:
    here = address_of("/dashboard/money", {"sort": sort}, reads=None)
    groups = grouped(((each.names, each.figures) for each in GROUPS), provider_name)
    columns = ("cost", "requests", "failed", "ttft", "share")
    return table_of("x", "X", "Provider", groups, columns, here, by=by, newest_first=newest_first)


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("", "abc"),
        ("cost", "abc"),
        ("cost.up", "cba"),
        ("requests.up", "cba"),
        ("name", "abc"),
        ("name.up", "cba"),
        ("ttft", "cab"),
        ("ttft.up", "cab"),
        ("nonsense", "abc"),
    ],
)
def test_rows_are_sorted_as_the_address_says_and_unknown_values_come_last(
    sort: str, order: str
) -> None:
    assert "".join(row[0].text for row in table(sort).rows) == order


def test_a_click_on_the_head_that_sorts_turns_the_order_round() -> None:
    heads = {head.label: head for head in table("cost").heads}
    assert heads["Cost"].sorted == "descending"
    assert heads["Cost"].href.endswith("sort=cost.up")
    assert heads["Provider"].href.endswith("sort=name")
    assert table("cost.up").heads[1].sorted == "ascending"
    assert table(by="name", newest_first=True).rows[0][0].text == "c"


def test_a_number_leads_to_what_it_counts() -> None:
    rows = {row[0].text: row for row in table().rows}
    assert rows["b"][0].href == "/dashboard/receipts?provider=b"
    assert rows["b"][3].href == "/dashboard/receipts?provider=b&failed=true"
    assert not rows["a"][3].href
    assert rows["a"][1].text == "$2.00"
    assert sum(row[5].share or 0 for row in rows.values()) == pytest.approx(1)


def test_rows_beyond_so_many_are_counted() -> None:
    here = address_of("/dashboard/money", {}, reads=None)
    many = [group(f"p{at}", requests=1) for at in range(MOST_ROWS + 7)]
    groups = grouped(((each.names, each.figures) for each in many), provider_name)
    found = table_of("x", "X", "Provider", groups, ("requests",), here, by="requests")
    assert (len(found.rows), found.left_out) == (MOST_ROWS, 7)
