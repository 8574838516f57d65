"""The command line: what scripts rely on (exit codes) and what people read."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from ops.cli import app
from ops.stack import Stack
from ops.week.files import SAMPLE

# None takes a variable away: a stack of the test's own.
OWN = {"KEPU_KAFKA": None, "KEPU_MONGO": None, "KEPU_HOME": None, "COLUMNS": "120"}


def test_status_of_nothing_exits_with_3(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["stack", "status", "--home", str(tmp_path / "none")], env=OWN)
    assert result.exit_code == 3
    assert result.stdout.count("not running") == 2
    assert not (tmp_path / "none").exists()


def test_home_may_come_from_the_environment(tmp_path: Path) -> None:
    (tmp_path / "stack.json").write_text('{"servers": {"kafka": {"ports": [20001, 20002]}}}')
    result = CliRunner().invoke(app, ["stack", "status"], env={**OWN, "KEPU_HOME": str(tmp_path)})
    assert result.exit_code == 3
    assert "127.0.0.1:20001" in result.stdout


def test_status_finds_the_servers_of_the_week_that_kepu_up_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    up_home = tmp_path / ".kepu" / "up"
    up_home.mkdir(parents=True)
    (up_home / "stack.json").write_text('{"servers": {"mongo": {"ports": [20003]}}}')
    assert "127.0.0.1:20003" in CliRunner().invoke(app, ["stack", "status"], env=OWN).stdout


def test_failure_is_one_sentence_and_exits_with_1(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["stack", "logs", "kafka", "--home", str(tmp_path)], env=OWN)
    assert result.exit_code == 1
    assert result.stderr.startswith("kepu: kafka has no log in ")
    assert "Traceback" not in result.output


def test_down_of_nothing_is_no_failure(tmp_path: Path) -> None:
    assert CliRunner().invoke(app, ["stack", "down", "--home", str(tmp_path)], env=OWN).exit_code == 0


def test_week_that_is_over_is_not_loaded_by_mistake(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["load", str(SAMPLE), "--home", str(tmp_path)], env=OWN)
    assert result.exit_code == 1
    assert "are over, so nobody could register" in result.stderr


def test_load_where_nothing_has_run_says_what_to_start(tmp_path: Path) -> None:
    arguments = ["load", str(SAMPLE), "--shift-to-tomorrow", "--home", str(tmp_path / "none")]
    result = CliRunner().invoke(app, arguments, env={**OWN, "KEPU_ORGANISER_KEY": None})
    assert result.exit_code == 1
    assert "start the week first (kepu up)" in result.stderr
    assert not (tmp_path / "none").exists()


def test_audit_of_nothing_says_what_to_start(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["audit", "--home", str(tmp_path)], env=OWN)
    assert result.exit_code == 1
    assert "not running: start the week first" in result.stderr


@pytest.mark.parametrize("command", ["up", "down", "status", "logs"])
def test_every_command_explains_itself(command: str) -> None:
    result = CliRunner().invoke(app, ["stack", command, "--help"], env=OWN)
    assert result.exit_code == 0
    assert "--home" in result.stdout


@pytest.mark.stack
def test_status_of_a_running_stack_exits_with_0(stack: Stack) -> None:
    result = CliRunner().invoke(app, ["stack", "status", "--home", str(stack.home)], env={"COLUMNS": "120"})
    assert result.exit_code == 0
    assert stack.kafka in result.stdout


@pytest.mark.stack
def test_logs_of_both_say_whose_line_it_is(stack: Stack) -> None:
    if any(server.outside for server in stack.status()):
        pytest.skip("servers named by KEPU_KAFKA and KEPU_MONGO keep their own logs")
    result = CliRunner().invoke(app, ["stack", "logs", "-n", "2", "--home", str(stack.home)])
    assert [line.split(" | ")[0].strip() for line in result.stdout.splitlines()] == ["mongo"] * 2 + [
        "kafka"
    ] * 2


def test_two_checks_of_the_audit_are_not_mixed() -> None:
    result = CliRunner().invoke(app, ["audit", "--rebuild", "--chain", "KW-7Q2MA-X4D0P"], env=OWN)
    assert result.exit_code == 1
    assert "run one after the other" in result.output
