"""Sessions are guessed by a secret that is made once, and that only its user can read."""

import os
from pathlib import Path

import msgspec
import pytest
from pydantic import SecretStr

from app.errors import SettingsError
from app.record.guessing import guessing
from app.record.secret import SECRET_BYTES, derived

FIELDS = {"messages": msgspec.Raw(b'[{"role":"user","content":"hi"}]')}
FILE = "session-guess.key"


def test_the_secret_outlives_a_run(tmp_path: Path) -> None:
    first, second = guessing(tmp_path / "state"), guessing(tmp_path / "state")
    session = first(FIELDS, "chat", None)
    assert session is not None
    assert second(FIELDS, "chat", None) == session
    assert [file.name for file in (tmp_path / "state").iterdir()] == [FILE]


def test_two_installations_guess_differently(tmp_path: Path) -> None:
    one, two = (guessing(tmp_path / name)(FIELDS, "chat", None) for name in "ab")
    assert one != two


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_only_its_user_can_read_the_secret(tmp_path: Path) -> None:
    guessing(tmp_path)
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600


def test_a_secret_that_is_none_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"short")
    with pytest.raises(SettingsError, match=r"session-guess\.key is not a key of 32 bytes; delete"):
        guessing(tmp_path)


def test_a_folder_that_can_not_be_written_is_an_error_with_a_way_out(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match=r"can't be used: .*unset POINTSMAN_GUESS_SESSIONS"):
        guessing(tmp_path / "file")


SHARED = SecretStr("0123456789abcdef" * 2)


def test_installations_with_a_shared_secret_guess_alike_and_keep_no_file(tmp_path: Path) -> None:
    guessing(tmp_path / "a")  # its own secret from before
    one, two = (guessing(tmp_path / name, SHARED)(FIELDS, "chat", None) for name in "ab")
    assert one is not None
    assert one == two
    assert one != guessing(tmp_path / "a")(FIELDS, "chat", None)
    assert not (tmp_path / "b").exists()


def test_each_purpose_has_a_secret_of_its_own() -> None:
    found = {derived(SHARED, "audit.key"), derived(SHARED, FILE)}
    assert len(found) == 2
    assert {len(each) for each in found} == {SECRET_BYTES}
    assert derived(SecretStr("another " * 4), FILE) not in found
