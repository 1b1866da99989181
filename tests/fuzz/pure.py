"""The rooms without I/O, given strange input directly: thousands of cases a second."""

import time
from collections.abc import Callable, Mapping
from random import Random

from app.catalog.catalog import EMPTY
from app.errors import PolicyFileError, RequestError
from app.openrouter.answer_reader import AnswerReader
from app.openrouter.transport import TransportError
from app.policy.apply import apply
from app.policy.file.parse import read_book
from app.policy.request import read_request
from app.wire.dialect import DIALECTS
from app.wire.generation import read_generation
from app.wire.listing import NotAListing, rows_of
from app.wire.observer import LIMIT, Observer
from tests.fuzz import cases
from tests.fuzz.target import POLICY

BOOK = read_book({"fuzz.yaml": POLICY})


def observe(random: Random) -> Callable[[], object]:
    """An observer of any dialect, fed in any pieces."""
    case = (cases.stream if random.random() < 0.7 else cases.body)(random)
    kind = random.choice(("text/event-stream", "application/json"))
    watching = Observer(random.choice([*DIALECTS.values()]), content_type=kind, limit=LIMIT)
    pieces = [case.relayed or b""] if random.random() < 0.5 else list(case.answer)

    def work() -> None:
        for piece in pieces:
            watching.feed(piece)
        while watching.behind:
            watching.go_on()
        watching.close()

    return work


def reader(random: Random) -> Callable[[], object]:
    """The reader of answers."""
    case = cases.answer(random)
    reading = AnswerReader(to_head=random.random() < 0.1)

    def work() -> None:
        try:
            for piece in case.answer:
                reading.feed(piece)
            reading.end(clean=random.random() < 0.5)
        except TransportError:
            pass

    return work


def rows(random: Random) -> Callable[[], object]:
    """A catalog of what is no listing, or hardly one."""
    made = cases.listing(random).listing

    def work() -> None:
        try:
            found = [*rows_of(made, most=1000)]
        except NotAListing:
            return
        catalog = (
            EMPTY.with_models(found).with_providers(found).with_listing("acme/sim-1", found, 1)
        )
        catalog.own_name("acme/sim-1")
        request = read_request(b'{"model":"acme/sim-1","provider":{"max_price":{"prompt":1}}}')
        BOOK.route_for(request, caller=None, user_agent="", catalog=catalog)

    return work


def record(random: Random) -> Callable[[], object]:
    """A record of a generation."""
    made = cases.body(random).relayed or b""
    return lambda: (read_generation(made), read_generation(b'{"data":%b}' % made))


def held(random: Random) -> Callable[[], object]:
    """A request, held to a policy."""
    sent = cases.asked(random).request.partition(b"\r\n\r\n")[2]

    def work() -> None:
        try:
            request = read_request(sent)
            apply(request, BOOK.route_for(request, caller=None, user_agent="", catalog=EMPTY))
        except RequestError:
            pass

    return work


def book(random: Random) -> Callable[[], object]:
    """A policy file."""
    text = cases.policy(random).decode("utf-8", "replace")

    def work() -> None:
        try:
            read_book({"p.yaml": text})
        except PolicyFileError as error:
            str(error)

    return work


KINDS: Mapping[str, Callable[[Random], Callable[[], object]]] = {
    each.__name__: each for each in (observe, reader, rows, record, held, book)
}

# Policies are read at start and in a thread, so that theirs is no stall of the loop's.
PATIENCE = {"book": 6.0}  # times as long as others


def took(work: Callable[[], object]) -> float:
    """Seconds of this process that the work has taken. Raises what it raises."""
    began = time.process_time()
    work()
    return time.process_time() - began
