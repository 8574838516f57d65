"""Whoever asked for a code waits for no stranger's mails. Strangers with somebody's address stay bounded."""

from datetime import date, timedelta

import pytest

from services.notifications.sending.daily_limit import DailyLimit
from services.notifications.sending.rules import (
    ASKING_PER_ADDRESS_MAX,
    NEWCOMERS,
    RECIPIENTS_PER_ADDRESS_MAX,
    allowance_of,
)
from shared.runtime import clock
from tests.notifications.builders import (
    Desk,
    address_of,
    code_requested,
    confirmed,
    joined,
    keyed,
    known,
    locked,
)
from tests.notifications.sending.builders import at_work, courier, turns
from tests.support.kafka import fresh_database
from tests.support.service import new_id

pytestmark = pytest.mark.stack

PER_DAY = 5


async def _strangers_write_to(at: Desk, address: str) -> None:
    """Another system vouches for strangers to whom it gives this address."""
    for stranger in [new_id() for _ in range(PER_DAY + 2)]:
        await at.handle(*known(stranger, contact_sealed=locked(stranger, email=address)))
        await at.handle(confirmed(stranger))


async def test_who_confirms_today_does_not_wait_for_tomorrow_because_of_strangers(mongo: str) -> None:
    person = new_id()
    address = address_of(person)
    async with at_work(mongo) as (at, office):
        sender = courier(at, office, per_day_max=PER_DAY)
        await _strangers_write_to(at, address)
        await turns(sender)
        assert len(office.of(address)) == PER_DAY
        await at.handle(keyed(person), joined(person, verified=False), code_requested(person))
        await at.handle(*[confirmed(person) for _ in range(PER_DAY + 1)])
        await turns(sender)
        await at.handle(joined(person, version=2, verified=True))
        await turns(sender)
        await sender.aclose()
        states = sorted(await at.states(person))
    # The code, and an allowance of their own. It is no larger than that of others.
    assert states == ["delivered"] * (1 + PER_DAY) + ["pending"]
    assert len(office.of(address)) == PER_DAY + 1 + PER_DAY


async def test_who_uses_the_code_that_a_stranger_asked_for_waits_for_no_stranger_either(mongo: str) -> None:
    stranger, person = new_id(), new_id()
    address = address_of(person)
    async with at_work(mongo) as (at, office):
        sender = courier(at, office, per_day_max=PER_DAY)
        await _strangers_write_to(at, address)
        await at.handle(*known(stranger))
        await at.handle(code_requested(stranger, contact_locked=locked(stranger, email=address)))
        await turns(sender)
        # The mailbox has a good code, so this one is not mailed.
        await at.handle(keyed(person), joined(person, verified=False), code_requested(person))
        await turns(sender)
        await at.handle(joined(person, version=2, verified=True), confirmed(person))
        await turns(sender)
        await sender.aclose()
        assert sorted(await at.states(person)) == ["delivered", "skipped"]


async def test_who_only_asks_takes_nobodys_place(mongo: str) -> None:
    mailed, asks = new_id(), [new_id() for _ in range(2 * ASKING_PER_ADDRESS_MAX)]
    async with fresh_database(mongo) as database:
        limit, now = DailyLimit(database, "secret", 1), clock.now()
        await limit.list_asking([("a@b.cn", one) for one in asks[:3]], now, mailed=False)
        await limit.list_asking([("a@b.cn", mailed)], now)
        await limit.list_asking([("a@b.cn", one) for one in (mailed, *asks)], now, mailed=False)
        [document] = await database["mail_recipients"].find().to_list(None)
        assert len(document["asking"]) == len(set(document["asking"])) == ASKING_PER_ADDRESS_MAX
        # Each with an allowance of one mail: that of the newcomers is used up by the first.
        places = await limit.admit([("a@b.cn", one) for one in (mailed, asks[0], asks[-1], asks[-2])], now)
        assert [place is not None for place in places] == [True, True, True, False]


async def test_mails_that_were_put_off_leave_when_their_recipient_asks_for_a_code(mongo: str) -> None:
    person = new_id()
    address = address_of(person)
    async with at_work(mongo) as (at, office):
        sender = courier(at, office, per_day_max=PER_DAY)
        await _strangers_write_to(at, address)
        await turns(sender)
        await at.handle(*known(person), confirmed(person))
        await turns(sender)
        assert await at.states(person) == ["pending"]
        await at.handle(code_requested(person))
        await turns(sender)
        await sender.aclose()
        assert await at.states(person) == ["delivered"] * 2
        # Those of the strangers still wait.
        waiting = {"state": "pending", "code": "too_many_mails"}
        assert await at.database["messages"].count_documents(waiting) == 2


async def test_who_asked_for_a_code_has_a_place_at_an_address_that_strangers_have_filled(mongo: str) -> None:
    strangers = [new_id() for _ in range(RECIPIENTS_PER_ADDRESS_MAX)]
    person, others = new_id(), [new_id() for _ in range(ASKING_PER_ADDRESS_MAX)]
    async with fresh_database(mongo) as database:
        limit = DailyLimit(database, "secret", 3)
        now = clock.now()
        for stranger in strangers:
            for place in await limit.admit([("a@b.cn", stranger)], now):
                await limit.count_sent([(place, True)] if place else [], now)
            await database["mail_counts"].delete_many({})
        await limit.list_asking([("a@b.cn", person)], now)
        [place] = await limit.admit([("A@b.cn", person)], now)
        assert place is not None
        await limit.count_sent([(place, True)], now)
        # Others ask later, and no mail follows: they are not verified there.
        await limit.list_asking([("a@b.cn", other) for other in others], now)
        [document] = await database["mail_recipients"].find().to_list(None)
        assert len(document["first"]) == RECIPIENTS_PER_ADDRESS_MAX
        assert document["first"][0]["id"] == place.recipient_id
        assert len(document["asking"]) == ASKING_PER_ADDRESS_MAX
        tomorrow = now + timedelta(days=1)
        mails = [("a@b.cn", person)] * 3 + [("a@b.cn", other) for other in [new_id(), new_id()]]
        assert None not in await limit.admit(mails, tomorrow)


def test_whom_a_code_was_mailed_to_has_an_allowance_of_their_own_at_once() -> None:
    today = date(2023, 5, 20)
    assert allowance_of("asking", {}, ("asking",), today) == "asking"
    assert allowance_of("other", {"other": "2023-05-20"}, ("asking",), today) == NEWCOMERS
