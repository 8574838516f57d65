"""What `kepu partner` says about mistakes. What it does at Kafka: tests/ops/test_secured.py."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import sleep

import msgspec
import pytest
from typer.testing import CliRunner

from ops.cli import app
from ops.deployment import first_program, kept_file, partners
from shared.contracts.partners import WRITABLE, PartnerFile
from shared.messaging.connection import KafkaConnection
from tests.partners.builders import a_partner

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
        (["notifications"], "the name of a group of our services"),
        (["partners-hall"], "the name of a group of our services"),
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


@pytest.mark.parametrize("mode", [None, 0o644])
def test_a_password_is_readable_by_its_owner_alone_also_in_a_file_that_was_there(
    tmp_path: Path, mode: int | None
) -> None:
    file = tmp_path / "hall" / first_program.CONFIGURATION
    if mode is not None:
        file.parent.mkdir()
        file.write_text("something longer than the password")
        file.chmod(mode)
    first_program.write(file, "made-up")
    assert file.read_text() == "made-up"
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_partner_that_is_removed_meanwhile_gets_no_new_password(tmp_path: Path) -> None:
    file = tmp_path / "partners.json"
    file.write_bytes(msgspec.json.encode(PartnerFile((a_partner("hall"),))))
    with ThreadPoolExecutor() as another:
        with kept_file.alone(file):
            rotated = another.submit(partners.rotate, file, KafkaConnection("127.0.0.1:1"), "hall")
            sleep(0.3)
            kept_file.replace(file, msgspec.json.encode(PartnerFile()))
        with pytest.raises(partners.PartnersError, match="has no partner hall"):
            rotated.result(10)


def test_a_first_program_sends_a_command_that_needs_no_paper_of_a_quiz() -> None:
    of_both = first_program.program(a_partner("hall", writes=("quiz.submitted", "registration.requested")))
    assert of_both is not None
    assert '"partner.hall.registration.requested"' in of_both
    assert first_program.program(a_partner("hall", writes=("quiz.submitted",))) is None
