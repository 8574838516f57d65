"""How much room the disks of brokers have."""

import shutil

import pytest
from prometheus_client import REGISTRY

from shared.messaging.disks import TURN_SECONDS, Disks
from shared.messaging.publisher import publishing
from shared.runtime.errors import Unavailable
from tests.support.service import NO_KAFKA


def shown(name: str) -> float:
    return REGISTRY.get_sample_value(f"kepu_kafka_log_dir_{name}_bytes", {"broker": "1"}) or 0.0


@pytest.mark.stack
async def test_the_disk_of_a_broker_is_shown_with_what_is_free(kafka: str) -> None:
    async with publishing(kafka, "tests") as publisher:
        assert await Disks(publisher).turn() == TURN_SECONDS
    assert 0 < shown("usable") < shown("total")
    sizes = {shutil.disk_usage(path).total for path in ("/", "/dev/shm", "/tmp")}  # noqa: S108 (only asked)
    assert shown("total") in sizes


async def test_a_kafka_that_is_away_is_an_outage() -> None:
    async with publishing(NO_KAFKA, "tests") as publisher:
        with pytest.raises(Unavailable):
            await Disks(publisher).turn()
