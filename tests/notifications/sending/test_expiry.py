"""Mails whose time is over fail, and notification.failed tells of them."""

from datetime import timedelta

import pytest
from prometheus_client import REGISTRY

from services.notifications.messages.rules import RetryPolicy
from shared.contracts.events import NotificationFailed
from shared.runtime import clock
from tests.notifications.builders import confirmed, desk
from tests.support.service import new_id

pytestmark = pytest.mark.stack


async def test_a_mail_whose_recipient_never_joins_fails_in_the_end_and_is_told_of(mongo: str) -> None:
    person = new_id()
    async with desk(mongo, RetryPolicy(waiting_max=timedelta(days=3))) as at:
        await at.handle(confirmed(person))
        now = clock.now()
        assert await at.queue.expire(now + timedelta(days=2)) == 0
        assert await at.queue.expire(now + timedelta(days=4)) == 1
        [document] = await at.messages(person)
        assert (document["state"], document["code"]) == ("failed", "contact_unknown")
        [told] = await at.published(NotificationFailed.topic)
        assert NotificationFailed.model_validate_json(told).code == "contact_unknown"
        assert await at.queue.expire(now + timedelta(days=4)) == 0


@pytest.mark.parametrize("torn", [{"cause": ""}, {"attempts": ""}, {"kind": ""}])
async def test_a_torn_message_whose_time_is_over_fails_alone_and_the_others_are_told_of(
    mongo: str, torn: dict[str, str]
) -> None:
    broken, fine = new_id(), new_id()
    async with desk(mongo) as at:
        await at.handle(confirmed(broken), confirmed(fine))
        await at.database["messages"].update_one(
            {"participant_id": broken, "channel": "email"}, {"$unset": torn}
        )
        before = _unreadable_messages()
        later = clock.now() + timedelta(days=30)
        assert await at.queue.expire(later) == 2
        assert await at.queue.expire(later) == 0
        codes = [(await at.messages(person))[0]["code"] for person in (broken, fine)]
        [told] = await at.published(NotificationFailed.topic)
    assert codes == ["message_unreadable", "contact_unknown"]
    assert NotificationFailed.model_validate_json(told).participant_id == fine
    assert _unreadable_messages() == before + 1


def _unreadable_messages() -> float:
    labels = {"loop": "courier", "code": "message_unreadable"}
    return REGISTRY.get_sample_value("kepu_loop_items_failed_total", labels) or 0.0
