"""Policies are read whole, and read again however a file was saved."""

import asyncio
import logging
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from app.errors import PolicyFileError
from app.policy.book import Book
from app.policy_folder import (
    LARGEST_FILE,
    PolicyFolder,
    policy_folder,
    read_folder,
    shipped_policies,
)
from app.policy_report import report
from tests.conftest import StartProxy
from tests.scripted_upstream import Pause, ScriptedUpstream, reply, sse
from tests.waiting import until_seen

FP8 = "version: 1\nrules:\n  - {name: eight, models: ['*'], quantization_floor: fp8}\n"
FP16 = "version: 1\nrules:\n  - {name: sixteen, models: ['*'], quantization_floor: fp16}\n"
BROKEN = "version: 1\nrules:\n  - {name: broken, models: ['*'], quantization_floor: fp9}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "book"
    folder.mkdir()
    (folder / "a.yaml").write_text(FP8)
    return folder


def rules(policies: PolicyFolder) -> list[str]:
    return [rule.name for rule in policies.current.rules]


def settle(policies: PolicyFolder) -> None:
    policies.look()
    policies.look()


def test_subfolders_are_not_read(folder: Path) -> None:
    (folder / "examples").mkdir()
    (folder / "examples" / "b.yaml").write_text(BROKEN)
    assert len(read_folder(folder).rules) == 1


def test_a_missing_folder_says_how_to_name_one(tmp_path: Path) -> None:
    with pytest.raises(PolicyFileError, match="POINTSMAN_POLICIES"):
        read_folder(tmp_path / "none")


def test_mistakes_of_all_files_come_together(folder: Path) -> None:
    (folder / "b.yml").write_text(BROKEN)
    (folder / "c.yaml").write_bytes(b"\xff\xfe")
    with pytest.raises(PolicyFileError, match=r"c\.yaml"):
        read_folder(folder)
    (folder / "c.yaml").write_text("version: 2\n")
    with pytest.raises(PolicyFileError) as caught:
        read_folder(folder)
    assert len(caught.value.problems) == 2


def test_the_folder_in_force(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    own = tmp_path / "config" / "policies"
    assert policy_folder(None) == policy_folder(None, own) == shipped_policies()
    own.mkdir(parents=True)
    assert policy_folder(None, own) == own
    Path("policies").mkdir()
    assert policy_folder(None, own) == Path("policies")
    assert policy_folder(tmp_path / "mine", own) == tmp_path / "mine"


def in_place(file: Path, text: str) -> None:
    file.write_text(text)


def by_rename(file: Path, text: str) -> None:
    fresh = file.with_suffix(".yaml~")
    fresh.write_text(text)
    fresh.replace(file)


def by_symlink_swap(file: Path, text: str) -> None:
    """As a Kubernetes ConfigMap is renewed: the link to the whole set of files is swapped."""
    data = file.parent / f"..{len(text)}"
    data.mkdir()
    (data / file.name).write_text(text)
    link = file.parent / "..data_tmp"
    link.symlink_to(data.name)
    link.replace(file.parent / "..data")
    if not file.is_symlink():
        file.unlink()
        file.symlink_to(Path("..data") / file.name)


@pytest.mark.parametrize("save", [in_place, by_rename, by_symlink_swap])
def test_a_saved_file_takes_effect_however_it_was_saved(folder: Path, save: object) -> None:
    assert callable(save)
    policies = PolicyFolder(folder)
    before = policies.current.revision
    save(folder / "a.yaml", FP16)
    settle(policies)
    assert rules(policies) == ["sixteen"]
    assert policies.current.revision != before
    save(folder / "a.yaml", FP8 + "# again\n")
    settle(policies)
    assert rules(policies) == ["eight"]


def test_a_file_that_comes_or_goes_takes_effect(folder: Path) -> None:
    policies = PolicyFolder(folder)
    (folder / "b.yaml").write_text(FP16)
    settle(policies)
    assert rules(policies) == ["eight", "sixteen"]
    (folder / "a.yaml").unlink()
    settle(policies)
    assert rules(policies) == ["sixteen"]


def test_a_file_in_the_middle_of_being_written_is_waited_for(folder: Path) -> None:
    policies = PolicyFolder(folder)
    (folder / "a.yaml").write_text("")
    policies.look()
    (folder / "a.yaml").write_text(FP16)
    policies.look()
    assert (rules(policies), policies.problems) == (["eight"], ())
    policies.look()
    assert (rules(policies), policies.problems) == (["sixteen"], ())


def test_a_broken_file_keeps_the_last_good_book_and_is_told_once(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    came: list[str] = []
    policies = PolicyFolder(folder, lambda _, book: came.append(book.revision))
    (folder / "a.yaml").write_text(BROKEN)
    with caplog.at_level(logging.INFO, logger="pointsman"):
        for _ in range(5):
            policies.look()
        assert rules(policies) == ["eight"]
        assert [problem.line for problem in policies.problems] == [3]
        assert [record.levelname for record in caplog.records] == ["WARNING"]
        (folder / "a.yaml").write_text(FP8)
        settle(policies)
    assert policies.problems == ()
    assert came == [policies.current.revision]  # though it is the same as before


def test_a_folder_that_vanishes_keeps_the_last_good_book(folder: Path) -> None:
    policies = PolicyFolder(folder)
    folder.rename(folder.with_name("elsewhere"))
    settle(policies)
    assert rules(policies) == ["eight"]
    assert "no such folder" in policies.problems[0].message


@pytest.mark.skipif(os.geteuid() == 0, reason="root can read everything")
def test_a_file_that_can_not_be_read_keeps_the_last_good_book(folder: Path) -> None:
    policies = PolicyFolder(folder)
    (folder / "b.yaml").write_text(FP16)
    (folder / "b.yaml").chmod(0)
    settle(policies)
    assert rules(policies) == ["eight"]
    assert "can't be read" in policies.problems[0].message


async def test_a_change_takes_effect_within_a_second_and_no_stream_is_dropped(
    start_proxy: StartProxy, openrouter: ScriptedUpstream, tmp_path: Path
) -> None:
    proxy = start_proxy(FP8, upstream_url=openrouter.url)
    ask = {"model": "acme/sim-1", "messages": [], "stream": True}
    frame = b'data: {"choices":[]}\n\n'
    slow = sse(*(piece for _ in range(12) for piece in (frame, Pause(0.1))))
    openrouter.plays(slow, reply(b"{}"))
    streaming = asyncio.create_task(proxy.client.post(f"{proxy.url}/v1/chat/completions", json=ask))
    await openrouter.was_asked()
    (tmp_path / "policies" / "test.yaml").write_text(FP16)

    async def sixteen() -> bool:
        answer = await proxy.client.post(f"{proxy.url}/v1/chat/completions", json=ask)
        return answer.headers["x-pointsman-rule"] == "sixteen"

    await until_seen(sixteen)
    streamed = await streaming
    assert streamed.content == frame * 12
    assert streamed.headers["x-pointsman-rule"] == "eight"

    (tmp_path / "policies" / "test.yaml").write_text(BROKEN)
    ready: dict[str, Any] = {}

    async def degraded() -> bool:
        ready.update((await proxy.client.get(f"{proxy.url}/ready")).json())
        return bool(ready["status"] == "degraded")

    await until_seen(degraded)
    assert "fp9" in ready["book"]["problems"][0]
    answer = await proxy.client.post(f"{proxy.url}/v1/chat/completions", json=ask)
    assert answer.headers["x-pointsman-rule"] == "sixteen"


def test_losing_every_file_keeps_the_last_good_book(folder: Path) -> None:
    """An empty folder would open the proxy to everything; whoever wants that can say so."""
    policies = PolicyFolder(folder)
    (folder / "a.yaml").unlink()
    settle(policies)
    assert rules(policies) == ["eight"]
    assert "rules: []" in policies.problems[0].message
    (folder / "b.yaml").write_text("version: 1\nrules: []\n")
    settle(policies)
    assert (rules(policies), policies.problems) == ([], ())


def test_a_folder_that_comes_back_empty_is_told_as_such(folder: Path) -> None:
    policies = PolicyFolder(folder)
    folder.rename(folder.with_name("elsewhere"))
    settle(policies)
    folder.mkdir()
    settle(policies)
    assert "all policy files are gone; to run without a policy, kee" in policies.problems[0].message


def test_a_broken_file_that_is_removed_is_reported_as_good_again(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "pointsman")
    policies = PolicyFolder(folder, report)
    (folder / "b.yaml").write_text(BROKEN)
    settle(policies)
    (folder / "b.yaml").unlink()
    settle(policies)
    revision = policies.current.revision
    first, again = (record.getMessage().partition("\n")[0] for record in caplog.records)
    assert first == f"the policy files have mistakes, so policy version {revision} stays in force:"
    assert again.startswith("policies in force: ")
    assert f"policy version {revision}" in again


def test_hidden_files_are_not_policies(folder: Path) -> None:
    (folder / ".hidden.yaml").write_text(BROKEN)
    (folder / ".#a.yaml").symlink_to("user@host.1")  # Emacs locks a file so
    assert len(read_folder(folder).rules) == 1
    PolicyFolder(folder)


def test_a_file_given_as_the_folder_is_told_as_such(folder: Path) -> None:
    with pytest.raises(PolicyFileError, match=r"a\.yaml: not a folder; set the folder with"):
        read_folder(folder / "a.yaml")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
def test_a_pipe_among_the_policies_is_told_and_holds_nothing_up(folder: Path) -> None:
    os.mkfifo(folder / "b.yaml")
    with pytest.raises(PolicyFileError, match=r"b\.yaml.*only regular files are read"):
        read_folder(folder)
    (folder / "b.yaml").unlink()
    policies = PolicyFolder(folder)
    os.mkfifo(folder / "c.yml")
    settle(policies)
    assert rules(policies) == ["eight"]
    assert "it is a pipe" in policies.problems[0].message


@pytest.mark.parametrize("target", ["/dev/zero", "/dev/null", "/dev/stdin", "."])
def test_a_device_or_a_folder_among_the_policies_is_told(folder: Path, target: str) -> None:
    if not Path(target).exists():
        pytest.skip(f"there is no {target}")
    (folder / "b.yaml").symlink_to(target)
    with pytest.raises(PolicyFileError, match=r"b\.yaml: can't be read: "):
        read_folder(folder)


def test_a_file_beyond_any_policy_is_told(folder: Path) -> None:
    (folder / "b.yaml").write_text("# " + "x" * LARGEST_FILE)
    with pytest.raises(PolicyFileError, match="it is over 4 MB; split it"):
        read_folder(folder)


@pytest.mark.parametrize("end", ["\r\n", "\r", "\n"])
def test_any_kind_of_line_end_is_one(folder: Path, end: str) -> None:
    (folder / "a.yaml").write_bytes(FP16.replace("\n", end).encode())
    assert [rule.name for rule in read_folder(folder).rules] == ["sixteen"]


def test_a_link_to_a_file_is_read(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text(FP16)
    (folder / "a.yaml").unlink()
    (folder / "a.yaml").symlink_to(tmp_path / "elsewhere")
    assert [rule.name for rule in read_folder(folder).rules] == ["sixteen"]


def mounted(folder: Path, version: str, *texts: str) -> None:
    """Publish files as Kubernetes does a ConfigMap's: links by way of `..data`, which is swapped.

    The files of a version are in a folder of its own; the old one is removed after the swap.
    """
    folder.mkdir(exist_ok=True)
    data = folder / "..data"
    before = data.resolve() if data.is_symlink() else None
    (folder / f"..{version}").mkdir()
    for number, text in enumerate(texts):
        (folder / f"..{version}" / f"{number}.yaml").write_text(text)
        link = folder / f"{number}.yaml"
        if not link.is_symlink():
            link.symlink_to(f"..data/{number}.yaml")
    (folder / "..data_tmp").symlink_to(f"..{version}")
    (folder / "..data_tmp").replace(data)
    if before is not None:
        shutil.rmtree(before)


def test_a_config_map_that_is_swapped_takes_effect_and_a_broken_one_does_not(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "mounted"
    mounted(folder, "2026_11_28_09", FP8)
    policies = PolicyFolder(folder)
    mounted(folder, "2026_11_28_10", FP16)
    settle(policies)
    assert (rules(policies), policies.problems) == (["sixteen"], ())
    revision = policies.current.revision
    mounted(folder, "2026_11_28_11", BROKEN)
    settle(policies)
    assert (policies.current.revision, len(policies.problems)) == (revision, 1)
    mounted(folder, "2026_11_28_12", FP8)
    settle(policies)
    assert (rules(policies), policies.problems) == (["eight"], ())


def test_a_folder_that_is_itself_the_swapped_link_takes_effect(tmp_path: Path) -> None:
    folder = tmp_path / "mounted"
    mounted(folder, "one", FP8)
    policies = PolicyFolder(folder / "..data")
    mounted(folder, "two", FP16)
    settle(policies)
    assert rules(policies) == ["sixteen"]


def test_files_that_are_swapped_while_they_are_read_are_never_in_force_in_part(
    tmp_path: Path,
) -> None:
    """Half of the files would be of one version, and half of the other."""
    folder = tmp_path / "mounted"
    other = FP16.replace("sixteen", "other")
    mounted(folder, "one", FP8)
    later = iter(["two"])

    def read(folder: Path) -> Book:
        found = read_folder(folder)
        for version in later if rules_of(found) != ["eight"] else ():
            mounted(folder, version, other)
        return found

    policies = PolicyFolder(folder, read=read)
    mounted(folder, "between", FP16)
    settle(policies)
    assert rules(policies) == ["eight"]  # and not what was read while it was swapped
    settle(policies)
    assert (rules(policies), policies.problems) == (["other"], ())


def rules_of(book: Book) -> list[str]:
    return [rule.name for rule in book.rules]
