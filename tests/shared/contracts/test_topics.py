import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from shared.contracts import events, topics
from shared.contracts.topics import create_missing, dead_letters
from shared.runtime.errors import Unavailable


def test_every_contract_has_its_topic_and_every_group_its_dead_letters() -> None:
    assert {topic.name for topic in topics.LIVE} == {contract.topic for contract in events.ALL}
    assert {topic.name for topic in topics.DEAD} == {
        dead_letters(topic.name, group) for topic in topics.LIVE for group in topic.groups
    }


@pytest.mark.stack
async def test_topics_are_created_as_declared_and_left_alone_afterwards(kafka: str) -> None:
    await create_missing(kafka)
    assert await create_missing(kafka) == []
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        found = {topic["topic"]: topic for topic in await admin.describe_topics()}
        [answer] = await admin.describe_configs(
            [ConfigResource(ConfigResourceType.TOPIC, topic.name) for topic in topics.ALL]
        )
    finally:
        await admin.close()
    configured = {
        name: {entry[0]: entry[1] for entry in entries} for _, _, _, name, entries in answer.resources
    }
    for topic in topics.ALL:
        assert len(found[topic.name]["partitions"]) == topic.partitions
        assert configured[topic.name].items() >= topic.config.items()


async def test_broker_that_is_not_there_is_an_outage() -> None:
    with pytest.raises(Unavailable):
        await create_missing("127.0.0.1:9")
