"""What a folder of policies is worth is told when it comes into force, and by `check`."""

import asyncio
import logging
from pathlib import Path

import pytest

from app.catalog.scores import NONE_KEPT, Scores
from app.policy.book import Book
from app.policy_folder import PolicyFolder, read_folder
from app.policy_report import look_over, report
from tests.catalog.test_scores import KEPT
from tests.conftest import StartProxy
from tests.waiting import until

ZDR = "version: 1\nrules:\n- {name: a, models: ['*'], zdr: true}\n"
FOR_BOB = "version: 1\nrules:\n- {name: a, models: ['*'], callers: [bob], zdr: true}\n"


def codes(folder: Path, *callers: str) -> dict[str, str]:
    found = look_over(folder, read_folder(folder), callers=frozenset(callers))
    return {each.code: str(each) for each in found}


def test_files_that_look_like_policies_and_are_not_read_are_told(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(ZDR)
    assert codes(tmp_path) == {}
    (tmp_path / "B.YAML.txt").write_text(ZDR)
    (tmp_path / ".c.yaml.swp").write_text(ZDR)
    (tmp_path / "README.md").write_text("mine")
    said = codes(tmp_path)
    assert said.keys() == {"not-read"}
    assert said["not-read"].startswith(f"{tmp_path / 'B.YAML.txt'}: warning: this file is not read")


def test_a_folder_without_policies_is_told_and_what_its_subfolders_hold(tmp_path: Path) -> None:
    assert codes(tmp_path)["no-policy-files"].startswith(f"{tmp_path}: warning: no policy files")
    (tmp_path / "examples").mkdir()
    (tmp_path / "examples" / "a.yaml").write_text(ZDR)
    assert "the 1 in its subfolders are not read" in codes(tmp_path)["no-policy-files"]


def test_a_rule_for_a_caller_without_a_key_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(FOR_BOB)
    assert "POINTSMAN_CALLER_KEYS is not set" in codes(tmp_path)["unknown-caller"]
    assert "did you mean bobby?" in codes(tmp_path, "bobby")["unknown-caller"]
    assert "it has alice" in codes(tmp_path, "alice")["unknown-caller"]
    assert codes(tmp_path, "bob") == {}


def test_the_line_in_the_log_names_files_rules_and_what_check_finds(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "a.yaml").write_text(ZDR)
    with caplog.at_level(logging.INFO, logger="pointsman"):
        report(tmp_path, read_folder(tmp_path), frozenset())
        (tmp_path / "b.yaml").write_text(FOR_BOB.replace("name: a", "name: b"))
        report(tmp_path, read_folder(tmp_path), frozenset())
    good, bad = caplog.records
    assert good.levelname == "INFO"
    assert good.getMessage().startswith(
        f"policies in force: a.yaml in {tmp_path}: 1 rule and 0 aliases"
    )
    assert bad.levelname == "WARNING"
    assert f"a.yaml, b.yaml in {tmp_path}: 2 rules" in bad.getMessage()
    assert bad.getMessage().endswith("; 1 warning: pointsman check")


async def test_what_is_in_force_is_told_at_the_start_and_when_it_changes(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(ZDR)
    told: list[str] = []
    policies = PolicyFolder(tmp_path, lambda _, book: told.append(book.revision))
    chore = asyncio.create_task(policies.keep_fresh())
    first = policies.current.revision
    await until(lambda: told == [first])
    (tmp_path / "a.yaml").write_text(FOR_BOB)
    await until(lambda: told == [first, policies.current.revision] != [first, first])
    chore.cancel()


async def test_a_report_that_fails_does_not_end_the_reading_of_changes(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "a.yaml").write_text(ZDR)

    def broken(folder: Path, book: Book) -> None:
        raise FileNotFoundError(f"{folder}, of {book.revision}")

    policies = PolicyFolder(tmp_path, broken)
    first = policies.current.revision
    chore = asyncio.create_task(policies.keep_fresh())
    await until(lambda: "could not be reported" in caplog.text)
    (tmp_path / "a.yaml").write_text(FOR_BOB)
    await until(lambda: policies.current.revision != first)
    assert not chore.done()
    chore.cancel()


async def test_a_running_proxy_tells_of_callers_that_have_no_key(
    start_proxy: StartProxy, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="pointsman"):
        start_proxy(FOR_BOB)
        await until(lambda: "1 warning: pointsman check" in caplog.text)


def test_the_line_in_the_log_counts_a_floor_without_scores(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    floor = ZDR.replace("zdr: true", "score_floor: {gpqa_diamond: 0.6, max_age: 3d}")
    (tmp_path / "a.yaml").write_text(floor)
    too_old = Scores(KEPT.snapshot, age=4)
    with caplog.at_level(logging.INFO, logger="pointsman"):
        for scores in (NONE_KEPT, too_old, KEPT):
            report(tmp_path, read_folder(tmp_path), frozenset(), scores)
    ends = [
        record.getMessage().endswith("; 1 warning: pointsman check") for record in caplog.records
    ]
    assert ends == [True, True, False]
