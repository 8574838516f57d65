"""What our services and other systems send, those who read the topic accept."""

import json

import pytest
from aiokafka import ConsumerRecord

from ops.contracts.documents import GOLDEN
from ops.deployment.access import writers_of
from shared.contracts import events, sources
from shared.contracts.envelope import Event, decoder
from shared.messaging.decoding import Decoding
from shared.messaging.received import Batch, Following, Subscription
from shared.runtime.errors import Rejected

SOURCES = {source.removeprefix("kepu/"): source for source in sources.OURS}
OTHERS = "schools/examination-hall"


async def handle(batch: Batch[Event]) -> Following:
    return []


@pytest.mark.parametrize("contract", events.ALL, ids=lambda contract: contract.topic)
@pytest.mark.parametrize("sender", [*sorted(SOURCES), "other systems"])
async def test_a_record_is_accepted_from_those_who_write_the_topic(
    contract: type[Event], sender: str
) -> None:
    golden = json.loads((GOLDEN / f"{contract.type}.json").read_text())
    headers = golden["headers"] | {"ce_source": SOURCES.get(sender, OTHERS)}
    record = ConsumerRecord(
        topic=contract.topic,
        partition=0,
        offset=0,
        timestamp=1_700_000_000_000,
        timestamp_type=1,
        key=golden["key"].encode(),
        value=json.dumps(golden["data"]).encode(),
        checksum=None,
        serialized_key_size=-1,
        serialized_value_size=-1,
        headers=tuple((name, value.encode()) for name, value in headers.items()),
    )
    good, dead = await Decoding(Subscription("readers", [contract], handle, codes=())).decode([record])
    if sender in writers_of(contract.topic):
        assert not dead
        assert [one.context.source for one in good] == [headers["ce_source"]]
    elif contract in events.COMMANDS:
        assert [one.why.code for one in dead] == ["source_ours"]


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
@pytest.mark.parametrize("contract", events.ALL, ids=lambda contract: contract.topic)
async def test_what_is_no_number_is_accepted_in_no_field(contract: type[Event], number: str) -> None:
    data = json.loads((GOLDEN / f"{contract.type}.json").read_text())["data"]
    value = json.dumps(data | {"unknown": 1.5}).replace("1.5", number).encode()
    with pytest.raises(Rejected):
        decoder(contract)([value])
    with pytest.raises(Rejected):
        decoder(contract)([b'{"NaN": "\xed\xa0\x80", ' + value[1:]])
    words = json.dumps(data | {"unknown": f"a text with {number} in it"}).encode()
    assert decoder(contract)([words])
