"""A transaction that holds up a partition is shown, and aborted only if it hangs; on a real broker."""

import asyncio

import pytest
from confluent_kafka import Producer
from typer.testing import CliRunner

from ops.cli import app
from ops.deployment import transactions
from ops.deployment.transactions import abort, open_transactions
from ops.deployment.whole_topics import records_of
from shared.contracts.events import RegistrationRequested
from shared.contracts.topics import declared
from shared.messaging.create_topics import create_missing
from shared.runtime.errors import Unavailable
from tests.support.kafka import new_contract
from tests.support.service import new_id

pytestmark = pytest.mark.stack


def begun(kafka: str, topic: str) -> Producer:
    """A producer that has written a record of a transaction, and not ended it."""
    producer = Producer(
        {"bootstrap.servers": kafka, "transactional.id": new_id("t"), "transaction.timeout.ms": 2_000}
    )
    producer.init_transactions(30)
    producer.begin_transaction()
    producer.produce(topic, b"{}", key=b"wang", partition=0)
    assert producer.flush(30) == 0
    return producer


def kepu(kafka: str, *words: str) -> str:
    done = CliRunner(env={"COLUMNS": "120"}).invoke(app, ["transactions", *words, "--kafka", kafka])
    assert done.exit_code == 0, done.output
    return done.output


def test_one_that_hangs_is_aborted_and_what_stands_behind_it_is_read(
    kafka: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    contract = asyncio.run(new_contract(kafka, partitions=1))
    begun(kafka, contract.topic)
    behind = Producer({"bootstrap.servers": kafka})
    behind.produce(contract.topic, b'{"behind": 1}', partition=0)
    assert behind.flush(30) == 0
    [found] = open_transactions(kafka, [contract.topic, "there-is-no-such-topic"])
    assert (found.topic, found.partition, found.first_offset) == (contract.topic, 0, 0)
    assert not found.hangs
    # As if its broker had to have ended it long ago.
    monkeypatch.setattr(transactions, "LATER_SECONDS", -1_000.0)
    [found] = open_transactions(kafka, [contract.topic])
    assert found.hangs
    abort(kafka, [found])
    assert open_transactions(kafka, [contract.topic]) == []
    [record] = records_of(kafka, [contract.topic])
    assert record.value() == b'{"behind": 1}'


def test_the_command_shows_what_is_open_and_aborts_only_what_hangs(
    kafka: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic = declared(RegistrationRequested)
    asyncio.run(create_missing(kafka, wanted=[topic]))
    begun(kafka, topic.name)
    shown = kepu(kafka, "--abort", "--yes")
    assert topic.name in shown
    assert "none hangs" in shown
    monkeypatch.setattr(transactions, "LATER_SECONDS", -1_000.0)
    begun(kafka, topic.name)
    assert "--abort ends those that hang" in kepu(kafka)
    assert "aborted: their partitions are read on" in kepu(kafka, "--abort", "--yes")


def test_a_kafka_that_is_away_is_told() -> None:
    with pytest.raises(Unavailable, match="cannot ask"):
        open_transactions("127.0.0.1:1", ["t"])
