"""Measures the history of listings: what a year of it takes in a ledger, and what a fetch costs.

    python bench/history.py [--models 20] [--days 365]

Each endpoint changes a price every 60 days on average, its parameters as often, its label every
200 days, and leaves for three hours every 50 days. Each listing is fetched every half hour and
judged by all day, which is more than any team asks for.
"""

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from app.catalog.catalog import EMPTY
from app.catalog.kept import kept_of
from app.ledger.keep import Keep
from app.ledger.listed import Listed, Noted
from app.ledger.store import Store

sys.path.insert(0, str(Path(__file__).parent.parent))

ROWS = Path("tests/fixtures/openrouter/endpoints/deepseek-v4.1-flash_2026-10-02.json")
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
FETCH = timedelta(minutes=30)
PRICE, PARAMETERS, LABEL, LEAVE = (1 / (days * 48) for days in (60, 60, 200, 50))  # a fetch
AWAY = 6  # fetches


class Offer:
    """One endpoint that drifts."""

    def __init__(self, row: dict[str, Any], chance: random.Random) -> None:
        self.row = deepcopy(row)
        self.away = 0
        self._chance = chance

    def drift(self) -> bool:
        """Maybe change something; return whether the listing differs."""
        self.away -= self.away > 0
        roll = self._chance.random()
        if roll < PRICE:
            price = f"{self._chance.randrange(1, 5000) / 1e9:.9f}"
            self.row["pricing"][self._chance.choice(("prompt", "completion"))] = price
        elif roll < PRICE + PARAMETERS:
            named = self.row["supported_parameters"]
            named.remove("seed") if "seed" in named else named.append("seed")
        elif roll < PRICE + PARAMETERS + LABEL:
            self.row["quantization"] = self._chance.choice(("fp8", "fp4", "bf16", "unknown"))
        elif roll < PRICE + PARAMETERS + LABEL + LEAVE:
            self.away = AWAY
        else:
            return self.away == 1
        return True


def history(models: int, days: int) -> Iterator[Listed]:
    """Every listing that is fetched, oldest first."""
    chance = random.Random(5)
    rows = msgspec.json.decode(ROWS.read_bytes())["data"]["endpoints"]
    offers = {
        f"author/model-{number}": [
            Offer(row, chance)
            for row in chance.sample(rows, min(1 + int(chance.expovariate(1 / 7)), 33))
        ]
        for number in range(models)
    }
    known: dict[str, Any] = {}
    for fetch in range(days * 48):
        for model, of_model in offers.items():
            changed = [each.drift() for each in of_model]
            if any(changed) or model not in known:
                known[model] = kept_of(model, [each.row for each in of_model if not each.away])
            kept = known[model]
            yield Listed(model, kept.digest, BEGIN + fetch * FETCH, kept.body)


def main() -> None:
    """Print what the year takes, and what a fetch costs."""
    reading = argparse.ArgumentParser()
    reading.add_argument("--models", type=int, default=20)
    reading.add_argument("--days", type=int, default=365)
    given = reading.parse_args()
    rows = msgspec.json.decode(ROWS.read_bytes())["data"]["endpoints"]
    for name, work in {
        "reading a listing of 33 endpoints": lambda: EMPTY.with_listing("a/b", rows, 0.0),
        "of which what is kept of it": lambda: kept_of("a/b", rows),
    }.items():
        began = time.perf_counter()
        for _ in range(100):
            work()
        print(f"  {name}: {(time.perf_counter() - began) * 10:.2f} ms")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "ledger.db"
        store, noted = Store.open(f"sqlite:///{file}", Keep()), Noted()
        empty = _size(file)
        batch: list[Listed] = []
        fetched = written = 0
        for listed in history(given.models, given.days):
            fetched += 1
            if noted.is_news(listed):
                noted.note(listed)
                batch.append(listed)
            if len(batch) == 500:
                store.note_listings(batch)
                written += len(batch)
                batch = []
        store.note_listings(batch)
        store.close()
        print(
            f"  {fetched:,} fetches, {written + len(batch):,} notes, {_size(file) - empty:.1f} MB"
        )


def _size(file: Path) -> float:
    return sum(each.stat().st_size for each in file.parent.iterdir()) / 1e6


if __name__ == "__main__":
    main()
