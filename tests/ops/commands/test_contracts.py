"""kepu contracts, as its users see it."""

import asyncio
import json

import pytest
from typer.testing import CliRunner, Result

from ops.cli import app
from shared.contracts import events
from shared.contracts.topics import declared
from shared.messaging.create_topics import create_missing

REFUSED = 1


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["contracts", *arguments])


def test_check_passes_for_the_contracts_of_the_code() -> None:
    done = run("check", "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.output)["refused"] == []


def test_readers_are_found_by_topic_and_by_type() -> None:
    by_topic, by_type = run("readers", "quiz.completed"), run("readers", "kepu.quiz.completed.v1")
    assert by_topic.output == by_type.output
    assert "read by our groups: awards, notifications" in by_topic.output
    assert "written by: quiz" in by_topic.output
    assert "first released: 0.2.0" in by_topic.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["readers", "quix.completed"], "do you mean kepu.quiz.completed.v1?"),
        (["diff", "0.1.0", "current"], "there is no release 0.1.0: name one of 0.2.0, 0.3.0"),
        (["release", "0.2.0"], "0.2.0 is not above the newest release"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(arguments: list[str], said: str) -> None:
    done = run(*arguments)
    assert done.exit_code == REFUSED
    assert said in done.output


@pytest.mark.stack
async def test_kafka_names_the_groups_that_read_a_topic(kafka: str) -> None:
    await create_missing(kafka, wanted=[declared(events.QuizCompleted)])
    done = await asyncio.to_thread(run, "readers", "quiz.completed", "--live", "--kafka", kafka)
    assert done.exit_code == 0, done.output
    assert "at Kafka: " in done.output


def test_diff_tells_each_change() -> None:
    lines = [json.loads(line) for line in run("diff", "0.2.0", "0.3.0", "--json").output.splitlines()]
    assert {"field_added", "contract_added"} <= {line["kind"] for line in lines}
    assert all(line["breaks"] == [] for line in lines)
    assert "0.2.0 has only schemas: keys, topics and headers are not compared" in run("diff", "0.2.0").output


def test_diff_backwards_says_who_would_break() -> None:
    done = run("diff", "0.3.0", "0.2.0")
    assert "kepu.quiz.completed.v1: automatic was removed or renamed" in done.output
    assert "BREAKS awards, notifications, readers of other systems" in done.output


def test_changelog_has_each_event() -> None:
    done = run("changelog")
    assert all(contract.type in done.output for contract in events.ALL)
