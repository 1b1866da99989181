"""How much of the ledger is kept: lengths of time and sizes, as people write them."""

from datetime import timedelta

import pytest

from app.errors import SettingsError
from app.settings import Settings


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("90d", timedelta(days=90)),
        (" 12h ", timedelta(hours=12)),
        ("30m", timedelta(minutes=30)),
        ("4w", timedelta(weeks=4)),
        ("", None),
    ],
)
def test_a_length_of_time_is_a_number_and_a_unit(
    monkeypatch: pytest.MonkeyPatch, text: str, kept: timedelta | None
) -> None:
    monkeypatch.setenv("POINTSMAN_LEDGER_KEEP", text)
    assert Settings.read().ledger_keep == kept


@pytest.mark.parametrize("text", ["90", "d", "0d", "-1d", "1.5d", "90 days", "999999d", "for ever"])
def test_any_other_text_starts_nothing(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """A mistake here would throw receipts away."""
    monkeypatch.setenv("POINTSMAN_LEDGER_KEEP", text)
    with pytest.raises(SettingsError, match=r"POINTSMAN_LEDGER_KEEP: .* is not a duration"):
        Settings.read()


def test_a_size_is_in_megabytes_and_above_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POINTSMAN_LEDGER_MAX_MB", "500")
    assert Settings.read().ledger_max_mb == 500
    monkeypatch.setenv("POINTSMAN_LEDGER_MAX_MB", "")
    assert Settings.read().ledger_max_mb is None
    monkeypatch.setenv("POINTSMAN_LEDGER_MAX_MB", "0")
    with pytest.raises(SettingsError, match="POINTSMAN_LEDGER_MAX_MB"):
        Settings.read()


def test_the_history_of_listings_is_limited_unless_it_is_set_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert Settings.read().catalog_keep == timedelta(days=400)
    assert Settings.read().catalog_max_mb == 256
    monkeypatch.setenv("POINTSMAN_CATALOG_KEEP", "")
    monkeypatch.setenv("POINTSMAN_CATALOG_MAX_MB", "12.5")
    assert Settings.read().catalog_keep is None
    assert Settings.read().catalog_max_mb == 12.5
    monkeypatch.setenv("POINTSMAN_CATALOG_MAX_MB", "0")
    with pytest.raises(SettingsError, match="POINTSMAN_CATALOG_MAX_MB"):
        Settings.read()
