"""A group reads again what it is told to, and only while nobody runs it; on a real broker."""

import asyncio

import pytest
from typer.testing import CliRunner

from ops.cli import app
from ops.replaying.offsets import GroupRuns, wait_until_empty
from tests.shared.messaging.readers import Ear, reading, say, until_committed
from tests.support.kafka import committed, new_contract, readers_of

pytestmark = pytest.mark.stack


def kepu(kafka: str, *words: str) -> tuple[int, str]:
    done = CliRunner(env={"COLUMNS": "400"}).invoke(app, ["replay", *words, "--kafka", kafka])
    return done.exit_code, done.output


async def replayed(kafka: str, group: str, topic: str, *words: str) -> tuple[int, str]:
    which = "--group", group, "--topic", topic
    return await asyncio.to_thread(kepu, kafka, *which, *words)


async def test_a_stopped_group_goes_back_is_followed_to_the_end_and_never_goes_forward_by_itself(
    kafka: str,
) -> None:
    contract = await new_contract(kafka)
    group, topic = readers_of(contract), contract.topic
    await say(kafka, contract, range(6))
    async with reading(kafka, contract, Ear()):
        await until_committed(kafka, contract, {0: 6})
    code, words = await replayed(kafka, group, topic, "--from", "2", "--partition", "0", "--dry-run")
    assert (code, await committed(kafka, group, topic)) == (0, {0: 6})
    assert "nothing is changed" in words
    # The command shows the progress until the group, which is started meanwhile, is at the end.
    following = asyncio.create_task(replayed(kafka, group, topic, "--from", "2", "--partition", "0", "--yes"))
    await until_committed(kafka, contract, {0: 2})
    async with reading(kafka, contract, ear := Ear()):
        code, words = await following
    assert (code, ear.heard) == (0, [2, 3, 4, 5])
    assert "is at the end" in words
    await say(kafka, contract, range(6, 9))
    code, words = await replayed(kafka, group, topic, "--from", "8", "--partition", "0", "--yes")
    assert code == 1
    assert "never read 2 offsets" in words
    code, _ = await replayed(
        kafka, group, topic, "--from", "8", "--partition", "0", "--yes", "--skip", "--no-wait"
    )
    assert (code, await committed(kafka, group, topic)) == (0, {0: 8})


async def test_a_new_group_begins_where_it_is_told(kafka: str) -> None:
    contract = await new_contract(kafka)
    await say(kafka, contract, range(4))
    words = "--from", "earliest", "--yes", "--no-wait"
    code, said = await replayed(kafka, f"{contract.topic}-other", contract.topic, *words)
    assert code == 0
    assert "a group of another system" in said
    assert await committed(kafka, f"{contract.topic}-other", contract.topic) == {0: 0}


async def test_nobody_moves_a_group_that_runs(kafka: str) -> None:
    contract = await new_contract(kafka)
    group = readers_of(contract)
    await say(kafka, contract, range(3))
    told: list[str] = []
    async with reading(kafka, contract, Ear()):
        await until_committed(kafka, contract, {0: 3})
        with pytest.raises(GroupRuns, match="stop every process with role worker or all"):
            await asyncio.to_thread(wait_until_empty, kafka, group, told.append, 0.5)
    assert [line for line in told if "waiting for up to" in line]
