"""What an outage in the middle of the limits leaves behind: nothing."""

from datetime import datetime

import pytest

from services.notifications.contacts.rules import Reach
from services.notifications.messages.rules import messages_of
from services.notifications.sending.budget import Budget, Use
from services.notifications.sending.code_limit import CodeLimit
from services.notifications.sending.daily_limit import DailyLimit
from services.notifications.sending.limits import Limits
from services.notifications.sending.rules import Claimed
from services.notifications.sending.sms_form import Sms
from shared.runtime.errors import Unavailable
from tests.notifications.builders import NOW, moved, number_of
from tests.support.kafka import fresh_database
from tests.support.service import enclosed

pytestmark = pytest.mark.stack


class Away(Budget):
    """The database goes away when the budget is asked, once."""

    asked = 0

    async def spend(self, use: Use, parts: int, now: datetime) -> int:
        self.asked += 1
        if self.asked == 1:
            raise Unavailable("away")
        return await super().spend(use, parts, now)


async def test_an_outage_while_the_budget_is_asked_takes_no_place_of_a_number(mongo: str) -> None:
    event = moved("p")
    [_, message] = messages_of(event, enclosed(event).context, NOW, Reach("addressed", by_phone=True))
    one = (Claimed(message, 1, 0, NOW), Sms(message.message_id, number_of("p"), "text"))
    async with fresh_database(mongo) as database:
        daily = DailyLimit(database, "secret", 1)
        limits = Limits[Sms](daily, CodeLimit(database, "secret"), Away(database, 1), lambda sms: sms.parts)
        with pytest.raises(Unavailable):
            await limits.admit([one], NOW)
        admission = await limits.admit([one], NOW)
        assert admission.items == [one]
        # Both are at their bound now, and whatever is not sent is given back.
        assert (await limits.admit([one], NOW)).items == []
        await limits.end(admission, [one[0]])
        assert (await limits.admit([one], NOW)).items == [one]
