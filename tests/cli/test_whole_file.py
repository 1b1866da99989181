"""A file appears whole, or not at all; and never in the place of something that is no file."""

import os
from pathlib import Path

import pytest

from app.cli.whole_file import must_be_writable, whole_file
from app.errors import SettingsError


def test_it_replaces_a_file_once_it_is_whole() -> None:
    file = Path("x.json")
    file.write_bytes(b"old")
    with whole_file(file) as opened:
        opened.write(b"new")
        opened.flush()
        assert file.read_bytes() == b"old"
    assert file.read_bytes() == b"new"
    assert [each.name for each in Path().glob("x.json*")] == ["x.json"]


def _broken(file: Path) -> None:
    with whole_file(file) as opened:
        opened.write(b"new")
        raise ZeroDivisionError


def test_an_error_leaves_what_was_there() -> None:
    file = Path("x.json")
    file.write_bytes(b"old")
    with pytest.raises(ZeroDivisionError):
        _broken(file)
    assert file.read_bytes() == b"old"
    assert [each.name for each in Path().glob("x.json*")] == ["x.json"]


@pytest.mark.skipif(os.name == "nt", reason="no pipes among files")
def test_a_pipe_is_written_to_and_stays_a_pipe() -> None:
    pipe = Path("pipe")
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    must_be_writable(pipe)
    with whole_file(pipe) as opened:
        opened.write(b"new")
    assert os.read(reader, 10) == b"new"
    assert pipe.is_fifo()
    os.close(reader)


@pytest.mark.parametrize("name", [".", "..", "/", "folder", "file/x", "no/x", "x" * 300])
def test_a_place_where_no_file_can_be_written_is_an_error(name: str) -> None:
    Path("folder").mkdir()
    Path("file").touch()
    with pytest.raises(SettingsError, match="can't write"):
        must_be_writable(Path(name))
    with pytest.raises(SettingsError, match="can't write"), whole_file(Path(name)):
        pass


def test_to_ask_whether_a_file_can_be_written_leaves_nothing_behind() -> None:
    Path("here").mkdir()
    must_be_writable(Path("here/x.json"))
    assert list(Path("here").iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege")
@pytest.mark.parametrize("is_there", [True, False])
def test_a_link_stays_and_its_file_is_replaced(*, is_there: bool) -> None:
    """A state that is a link into another volume must not become a file beside it."""
    Path("volume").mkdir()
    if is_there:
        Path("volume/x.json").write_bytes(b"old")
    link = Path("x.json")
    link.symlink_to("volume/x.json")
    must_be_writable(link)
    with whole_file(link) as opened:
        opened.write(b"new")
    assert link.is_symlink()
    assert Path("volume/x.json").read_bytes() == b"new"
    assert [each.name for each in Path("volume").iterdir()] == ["x.json"]
