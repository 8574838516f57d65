"""What `kepu partner` says about mistakes. What it does at Kafka: tests/ops/test_secured.py."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from ops.cli import app
from shared.contracts.partners import WRITABLE

OWN = {"KEPU_PARTNERS_FILE": None, "KEPU_HOME": None, "KEPU_KAFKA": None, "COLUMNS": "120"}


def kepu(*arguments: str, exit_code: int = 0) -> str:
    result = CliRunner().invoke(app, [*arguments], env=OWN)
    assert result.exit_code == exit_code, result.output
    return result.stdout + result.stderr


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["Hall"], "a name has 2 to 30 small letters"),
        (["kepu-quiz"], "those of our services"),
        (["hall", "--source", "kepu/quiz"], "is one of ours"),
        (["hall", "--write", "quiz.completed"], "no partner may write quiz.completed"),
        (["hall", "--read", "participant.keyed"], "no partner may read participant.keyed"),
    ],
)
def test_a_mistake_is_said_before_anything_is_made(tmp_path: Path, arguments: list[str], why: str) -> None:
    file = tmp_path / "partners.json"
    said = kepu("partner", "add", *arguments, "--file", str(file), "--kafka", "127.0.0.1:1", exit_code=1)
    assert why in " ".join(said.split())
    assert not file.exists()


def test_a_partner_that_is_not_there_is_named(tmp_path: Path) -> None:
    for command in ("show", "rotate", "remove"):
        where = ["--file", str(tmp_path / "partners.json")]
        where += ["--kafka", "127.0.0.1:1"] if command != "show" else []
        assert "has no partner hall" in kepu("partner", command, "hall", *where, exit_code=1)


def test_the_help_names_what_may_be_written() -> None:
    said = kepu("partner", "add", "--help")
    assert all(topic in said for topic in WRITABLE)
