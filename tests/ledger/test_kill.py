"""A receipt of a finished request survives `kill -9` one second later."""

import subprocess
import sys
import time
from pathlib import Path

from app.ledger.store import Store

ROOT = Path(__file__).parents[2]

# Some 500 requests a second, each told to the test with the moment at which it was submitted.
UNDER_LOAD = """
import sys, time
from app.ledger.store import Store
from app.ledger.writer import Writer
from tests.ledger.receipts import receipt

writer = Writer(lambda: Store.open(sys.argv[1]))
writer.start()
while True:
    one = receipt(time.monotonic())
    writer.submit(one)
    print(one.id, time.monotonic(), flush=True)
    time.sleep(0.002)
"""


def test_every_receipt_older_than_a_second_is_there_after_a_kill(url: str) -> None:
    Store.open(url).close()  # as in a ledger's life: it is made once
    writing = subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", UNDER_LOAD, url],
        env={"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert writing.stdout is not None
        first = writing.stdout.readline()
        time.sleep(1.6)
    finally:
        killed_at = time.monotonic()
        writing.kill()
        told, _ = writing.communicate()
    lines = [line.split() for line in (first + told).splitlines() if line.count(" ") == 1]
    safe = {name for name, submitted_at in lines if float(submitted_at) < killed_at - 1.0}
    store = Store.open(url)
    kept = {one.id for one in store.written_after(0, limit=100_000)[1]}
    store.close()
    assert len(safe) > 100
    assert safe <= kept
