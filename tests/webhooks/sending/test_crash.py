"""A sender that is killed between the post and the mark: at least once, with the same id."""

import asyncio
import sys

import pytest

from tests.support.waiting import eventually
from tests.webhooks.builders import checked_in, post_office
from tests.webhooks.receiver import receiving

pytestmark = pytest.mark.stack
LEASE_SECONDS = 2


async def test_a_delivery_of_a_killed_sender_goes_out_again_when_its_claim_ends_under_the_same_id(
    mongo: str,
) -> None:
    async with receiving() as partner, post_office(mongo) as post:
        await post.put("museum", partner.url)
        await post.handle(checked_in("wang"))
        # The partner has it, and its answer does not come before the process dies.
        partner.slow = asyncio.Event()
        sender = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.webhooks.sending.sender_process",
            mongo,
            post.database.name,
            str(LEASE_SECONDS),
        )
        try:
            await eventually(lambda: len(partner.got) == 1)
        finally:
            sender.kill()
            await sender.wait()
        partner.slow = None
        await post.send()
        # Its claim has not ended.
        assert len(partner.got) == 1

        async def sent_again() -> bool:
            await post.send()
            return await post.states() == {"delivered": 1}

        await eventually(sent_again)
        assert len(partner.got) == 2
        assert len(set(partner.ids())) == 1
