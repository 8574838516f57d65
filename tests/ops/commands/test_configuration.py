"""`kepu check-config` and `kepu acls`, as an operator sees them."""

from pathlib import Path

from typer.testing import CliRunner

from ops.cli import app
from ops.commands.configuration import commands_of
from ops.deployment import access, keys
from ops.deployment.access import COMMANDS
from ops.deployment.description import SERVICES
from shared.contracts import topics

WRONG = 2


def test_wrong_settings_of_a_file_are_told_with_exit_code_2(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    keys.write(file, keys.as_env(keys.fresh()) + "KEPU_PORT=eighty\nKEPU_KAFAK=a:1\n")
    found = CliRunner().invoke(app, ["check-config", "--file", str(file)])
    assert found.exit_code == WRONG
    assert [line.partition(": ")[0] for line in found.stdout.splitlines()] == ["KEPU_PORT", "KEPU_KAFAK"]
    assert "eighty" not in found.stdout


def test_right_settings_end_with_exit_code_0(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    keys.write(file, keys.as_env(keys.fresh()))
    assert CliRunner().invoke(app, ["check-config", "--file", str(file)]).exit_code == 0
    assert CliRunner().invoke(app, ["check-config", "quiz", "--file", str(file)]).exit_code == 0


def test_each_topic_may_be_written_and_read_by_those_that_do() -> None:
    may_write = {
        (service, name)
        for service in SERVICES
        for grant in access.of_service(service)
        if "WRITE" in grant.operations
        for name in grant.names
    }
    live = {(one, topic.name) for topic in topics.LIVE for one in access.writers_of(topic.name)}
    dead = {
        (group.partition("-")[0], topics.dead_letters(topic.name, group))
        for topic in topics.LIVE
        for group in topic.groups
    }
    assert may_write == {(who, name) for who, name in live | dead if who in SERVICES}
    [of_others] = access.of_another_system()
    assert (of_others.operations, set(of_others.names)) == (("WRITE",), set(COMMANDS))
    assert {name for who, name in live if who == access.OTHERS} == set(COMMANDS)


def test_acls_are_kafkas_own_commands() -> None:
    found = CliRunner().invoke(app, ["acls", "--other", "hall"])
    assert found.exit_code == 0
    assert found.stdout.splitlines()[-1] == (
        "kafka-acls.sh --bootstrap-server $KEPU_KAFKA --command-config admin.properties --add "
        "--allow-principal User:hall --operation Write " + " ".join(f"--topic {name}" for name in COMMANDS)
    )
    [_, _, groups] = commands_of("kepu-notifications", access.of_service("notifications"))
    assert groups[-4:] == ["--operation", "Read", "--group", "notifications"]
