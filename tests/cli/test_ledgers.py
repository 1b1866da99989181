"""A command that only reads makes no ledger."""

from pathlib import Path

import pytest

from app.cli.ledgers import to_read
from app.cli.which_ledger import (
    demo_ledger,
    demo_running,
    is_demo,
    with_demos_upstream,
    with_ledger,
)
from app.errors import SettingsError
from app.ledger.store import Store
from app.settings import Settings


def test_a_ledger_that_is_not_there_is_told_and_not_made(tmp_path: Path) -> None:
    file = tmp_path / "none" / "ledger.db"
    with pytest.raises(
        SettingsError, match=r"create it with .* serve, or set another with --ledger"
    ):
        to_read(Settings.read(ledger_url=f"sqlite:///{file}"))
    assert not file.parent.exists()


def test_one_that_is_there_is_opened(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    Store.open(url).close()
    assert to_read(Settings.read(ledger_url=url)).recent(limit=1) == []


def test_the_demos_ledger_is_read_only_where_there_is_no_other(tmp_path: Path) -> None:
    settings = Settings.read()
    demo, own = demo_ledger(settings), Path(settings.ledger().removeprefix("sqlite:///"))
    demo.parent.mkdir(parents=True)
    assert not is_demo(with_ledger(settings))
    Store.open(f"sqlite:///{demo}").close()
    assert is_demo(with_ledger(settings))
    assert not is_demo(with_ledger(Settings.read(ledger_url=str(tmp_path / "x.db"))))
    own.touch()
    assert not is_demo(with_ledger(settings))


def test_an_empty_ledger_names_the_demos(capsys: pytest.CaptureFixture[str]) -> None:
    settings = Settings.read()
    Store.open(settings.ledger()).close()
    to_read(settings)
    assert capsys.readouterr().err == ""
    demo = demo_ledger(settings)
    Store.open(f"sqlite:///{demo}").close()
    to_read(settings)
    assert capsys.readouterr().err == f"The demo's receipts: --ledger {demo}\n"


def test_the_demos_upstream_is_known_while_it_runs() -> None:
    settings = Settings.read(ledger_url=str(demo_ledger(Settings.read())))
    with demo_running(settings, "http://127.0.0.1:1/api/v1"):
        assert with_demos_upstream(settings).upstream_url == "http://127.0.0.1:1/api/v1"
        with demo_running(settings, "http://127.0.0.1:2/api/v1"):  # another one, later
            assert with_demos_upstream(settings).upstream_url == "http://127.0.0.1:2/api/v1"
    with pytest.raises(SettingsError, match="the demo is not running"):
        with_demos_upstream(settings)
    assert with_demos_upstream(Settings.read()).upstream_url == Settings.read().upstream_url
