"""
Anybody with a code may ask for its credential: strangers of one network take no turns of another one, or of
the recipient.
"""

import asyncio

import pytest

from services.awards.credentials import badge
from shared.runtime.errors import Overloaded
from shared.web.paced import OF_ONE_MAX
from tests.awards.credentials.issuing import Issuing
from tests.awards.credentials.test_status import conferred
from tests.awards.parts import new_parts

pytestmark = pytest.mark.stack


async def test_a_crowd_of_one_network_waits_and_others_do_not_wait_for_it(mongo: str) -> None:
    async with new_parts(mongo) as [at]:
        of = Issuing(at)
        await of.places.prepare()
        [award] = await conferred(at)
        crowd = [
            asyncio.create_task(of.credentials.badge(award.award_code, badge.svg, network="a"))
            for _ in range(OF_ONE_MAX + 3)
        ]
        own = of.credentials.badge(award.award_code, badge.svg, award.recipient_id, network="a")
        assert (await own).startswith("<svg")
        assert not all(one.done() for one in crowd)
        other, _ = await of.credentials.signed(award.award_code, network="b")
        assert other.award_id == award.award_id
        assert not all(one.done() for one in crowd)
        said = await asyncio.gather(*crowd, return_exceptions=True)
        assert sum(isinstance(one, str) for one in said) == OF_ONE_MAX
        assert sum(isinstance(one, Overloaded) for one in said) == 3
