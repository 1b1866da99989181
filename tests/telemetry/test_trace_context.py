"""Whose trace a request belongs to, by the words of W3C's Trace Context."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.telemetry.trace_context import Header, Parent, new_trace, parent_in

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
GIVEN = f"00-{TRACE}-{SPAN}-01"


def read(*lines: str, state: tuple[str, ...] = ()) -> Parent | None:
    headers: list[Header] = [(b"accept", b"*/*")]
    headers += [(b"traceparent", line.encode()) for line in lines]
    headers += [(b"tracestate", each.encode()) for each in state]
    return parent_in(headers)


def test_the_callers_span_is_read() -> None:
    assert read(GIVEN, state=("a=1", "b=2")) == Parent(
        int(TRACE, 16), int(SPAN, 16), 1, (b"a=1", b"b=2")
    )


@pytest.mark.parametrize(
    ("line", "sampled"),
    [(GIVEN, True), (GIVEN[:-1] + "0", False), (GIVEN[:-1] + "2", False), (GIVEN[:-1] + "3", True)],
)
def test_the_caller_says_whether_its_span_is_kept(line: str, *, sampled: bool) -> None:
    parent = read(line)
    assert parent is not None
    assert parent.sampled is sampled


def test_a_later_version_is_read_as_far_as_it_is_known() -> None:
    assert read(f"cc-{TRACE}-{SPAN}-01-what-the-future-brings") == read(GIVEN)


@pytest.mark.parametrize(
    "line",
    [
        "",
        GIVEN + "-more",
        GIVEN.upper(),
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE[:-1]}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-1",
        f"0-{TRACE}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}",
        f"cc-{TRACE}-{SPAN}-01.more",
    ],
)
def test_a_malformed_header_is_none(line: str) -> None:
    assert read(line, state=("a=1",)) is None


def test_without_a_header_or_with_two_there_is_no_parent() -> None:
    assert read() is None
    assert read(GIVEN, GIVEN) is None


@given(st.lists(st.tuples(st.sampled_from([b"traceparent", b"tracestate"]), st.binary())))
def test_garbage_never_raises(headers: list[Header]) -> None:
    parent = parent_in(headers)
    assert parent is None or parent.trace_id


def test_upstream_goes_on_from_our_span_in_the_callers_trace() -> None:
    parent = read(GIVEN, state=("a=1", "b=2"))
    trace = new_trace(parent, random.Random(1), lambda _: True)
    (name, line), *states = trace.headers()
    version, trace_id, span_id, flags = line.decode().split("-")
    assert (name, version, trace_id, flags) == (b"traceparent", "00", TRACE, "01")
    assert int(span_id, 16) == trace.span_id != int(SPAN, 16)
    assert states == [(b"tracestate", b"a=1"), (b"tracestate", b"b=2")]


@pytest.mark.parametrize(
    ("asked", "sampled", "sent"), [("03", False, "02"), ("02", True, "03"), ("ff", True, "03")]
)
def test_flags_that_nobody_has_defined_are_not_passed_on(
    asked: str, *, sampled: bool, sent: str
) -> None:
    trace = new_trace(read(GIVEN[:-2] + asked), random.Random(1), lambda _: sampled)
    assert trace.headers()[0][1].endswith(b"-" + sent.encode())


def test_a_new_trace_is_random_and_has_no_state_of_anybodys() -> None:
    first, second = (new_trace(None, random.Random(seed), lambda _: True) for seed in (1, 2))
    assert len({first.trace_id, second.trace_id, first.span_id, second.span_id}) == 4
    (header,) = first.headers()
    assert header[1].endswith(b"-03")
    assert parent_in([header]) == Parent(first.trace_id, first.span_id, 3)


def test_an_id_is_never_zero() -> None:
    class Zeros(random.Random):
        def getrandbits(self, k: int, /) -> int:
            return 0 * k

    trace = new_trace(None, Zeros(), lambda trace_id: trace_id > 0)
    assert trace.sampled
    assert trace.span_id
