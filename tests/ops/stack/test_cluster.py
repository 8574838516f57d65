"""Three real nodes of Kafka and of MongoDB: one of each is killed, and the others go on."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from aiokafka.admin import AIOKafkaAdminClient

from ops.stack import Stack, StackError
from shared.contracts.topics import Topic
from shared.messaging.create_topics import create_missing, differing
from shared.messaging.publisher import Publisher, publishing
from shared.runtime.errors import Unavailable
from shared.storage.mongo import connect
from tests.support.servers import own_stack
from tests.support.waiting import eventually

pytestmark = [pytest.mark.stack, pytest.mark.own_servers]

TOPIC = Topic("kept-three-times", (), partitions=3)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Stack]:
    """Three nodes of each."""
    with own_stack(3) as stack:
        yield stack


async def test_of_each_kind_one_node_dies_and_what_is_acknowledged_then_is_there_when_it_is_back(
    cluster: Stack,
) -> None:
    assert cluster.names == ("kafka", "kafka-2", "kafka-3", "mongo", "mongo-2", "mongo-3")
    await create_missing(cluster.kafka, wanted=[TOPIC])
    assert await differing(cluster.kafka, [TOPIC]) == []
    fewer = "kept-three-times: partitions=3, declared 4"
    assert await differing(cluster.kafka, [replace(TOPIC, partitions=4)]) == [fewer]
    # The first nodes: the primary is the first member, and some partition has its leader on any broker.
    cluster.kill("kafka")
    cluster.kill("mongo")
    assert [one.name for one in cluster.status() if not one.running] == ["kafka", "mongo"]
    async with publishing(cluster.kafka, "test") as publisher:
        await eventually(lambda: _published(publisher))
    async with connect(cluster.mongo, "cluster_test") as database:
        await database["kept"].insert_one({"_id": "kept"})
    cluster.up()
    # It is back only when it has all that the others have: so they can be killed now.
    assert all(len(isr) == 3 for isr in await _in_sync(cluster.kafka))
    cluster.kill("mongo-2")
    async with connect(cluster.mongo, "cluster_test") as database:
        assert await database["kept"].find_one() == {"_id": "kept"}
    cluster.start("mongo-2")


def test_a_folder_keeps_its_number_of_nodes(cluster: Stack) -> None:
    assert Stack(cluster.home, environment={}).names == cluster.names
    with pytest.raises(StackError, match="has 3 of kafka, and this number stays"):
        Stack(cluster.home, brokers=1, environment={})
    with pytest.raises(StackError, match="there is no kafka-4"):
        cluster.kill("kafka-4")


def test_of_two_nodes_none_could_die(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="choose 1 or 3"):
        Stack(tmp_path, brokers=2, environment={})


async def _published(publisher: Publisher) -> bool:
    """True if every partition takes a record."""
    try:
        await publisher.write([(TOPIC.name, bytes([key]), b"{}", []) for key in range(12)])
    except Unavailable:
        return False
    return True


async def _in_sync(kafka: str) -> list[list[int]]:
    """Of each partition, the brokers that have all of it."""
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        [topic] = await admin.describe_topics([TOPIC.name])
    finally:
        await admin.close()
    return [partition["isr"] for partition in topic["partitions"]]
