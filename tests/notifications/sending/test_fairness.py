"""Work for one recipient does not hold up the mails of others."""

import asyncio
from collections import Counter

import pytest

from services.notifications.messages.rules import OPEN_MAILS_MAX, RetryPolicy
from services.notifications.sending.places import QUICK_MESSAGES_MIN
from services.notifications.sending.rules import RECIPIENT_MAILS_MAX
from services.notifications.texts.policy import CODE_KIND
from shared.runtime import clock
from tests.notifications.builders import (
    address_of,
    code_requested,
    confirmed,
    desk,
    joined,
    keyed,
    known,
    locked,
    requested,
)
from tests.notifications.sending.builders import (
    at_work,
    courier,
    sending,
    turns,
    until_all,
    until_none_is_due,
)
from tests.support.service import new_id
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack


async def test_a_recipient_at_whom_the_server_hangs_holds_up_no_other(mongo: str) -> None:
    silent, first, later = new_id(), new_id(), [new_id() for _ in range(40)]
    async with at_work(mongo, RetryPolicy()) as (at, office):
        office.silent_at.add(address_of(silent))
        await at.handle(*known(silent, first, *later))
        await at.handle(*[confirmed(silent) for _ in range(20)], confirmed(first))
        by_hand = courier(at, office)
        # They become due while the server hangs, and also before the time for a mail ends (20 s).
        async with sending(by_hand):
            await until_all(at, "delivered", 1)
            began = asyncio.get_running_loop().time()
            await at.handle(*[confirmed(person) for person in later])
            by_hand.loop.wake()
            await eventually(lambda: len(office.mails) == 1 + len(later), seconds=8)
            # They are marked too, although the mails at which the server hangs are still under way.
            await until_all(at, "delivered", 1 + len(later))
            assert asyncio.get_running_loop().time() - began < 10
            assert office.asked[address_of(silent)] == RECIPIENT_MAILS_MAX
            office.speak()


async def test_codes_go_before_thousands_of_other_mails_and_leave_half_of_a_claim_to_them(mongo: str) -> None:
    many, asking = [new_id() for _ in range(60)], [new_id() for _ in range(30)]
    async with at_work(mongo) as (at, office):
        await at.handle(*known(*many, *asking), *[confirmed(person) for person in many])
        await at.handle(*[code_requested(person) for person in asking])
        due = [to for _, to in await at.queue.due(clock.now(), 20)]
        assert (set(due[:10]) <= set(asking), set(due[10:]) <= set(many)) == (True, True)
        only = await at.queue.due(clock.now(), 100, only_codes=True)
        assert {to for _, to in only} == set(asking)
        everything = await at.queue.due(clock.now(), 200)
        assert len(everything) == len(set(everything)) == 90
        sender = courier(at, office, claim_max=40)
        await turns(sender)
        await sender.aclose()
        # The first claim has 20 of each; codes are first in it, on some connections at a time.
        first = [to for to, _ in office.mails[:20]]
        assert sum(to in {address_of(person) for person in asking} for to in first) >= 12
        assert len(office.mails) == 90


async def test_a_server_that_is_slow_at_every_mail_lets_codes_through_beside_a_message_to_all(
    mongo: str,
) -> None:
    many, before, asking = [new_id() for _ in range(40)], new_id(), new_id()
    async with at_work(mongo, RetryPolicy()) as (at, office):
        await at.handle(*known(before, *many, asking))
        by_hand = courier(at, office)
        async with sending(by_hand):
            await at.handle(*[confirmed(before) for _ in range(QUICK_MESSAGES_MIN)])
            by_hand.loop.wake()
            await until_all(at, "delivered", QUICK_MESSAGES_MIN)
            office.silent_at.update(address_of(person) for person in many)
            await at.handle(*[confirmed(person) for person in many])
            by_hand.loop.wake()
            await eventually(lambda: sum(office.asked[address_of(one)] for one in many) == 5)
            await at.handle(code_requested(asking))
            by_hand.loop.wake()
            await eventually(lambda: office.of(address_of(asking)), seconds=8)
            office.speak()


async def test_strangers_at_whose_domains_the_server_hangs_hold_up_no_mail_to_a_domain_that_is_quick(
    mongo: str,
) -> None:
    strangers, before, later = ([new_id() for _ in range(many)] for many in (40, QUICK_MESSAGES_MIN, 20))
    theirs = {one: f"someone@{one}.example" for one in strangers}
    async with at_work(mongo, RetryPolicy()) as (at, office):
        office.silent_at.update(theirs.values())
        await at.handle(*known(*before, *later), *[keyed(one) for one in strangers])
        await at.handle(*[joined(one, contact_sealed=locked(one, email=theirs[one])) for one in strangers])
        by_hand = courier(at, office)
        async with sending(by_hand):
            await at.handle(*[confirmed(person) for person in before])
            by_hand.loop.wake()
            await until_all(at, "delivered", len(before))
            await at.handle(*[confirmed(one) for one in strangers])
            by_hand.loop.wake()
            # As many as they may have are under way, and the server answers none of them.
            await eventually(lambda: sum(office.asked[one] for one in theirs.values()) >= 5)
            began = asyncio.get_running_loop().time()
            await at.handle(*[confirmed(person) for person in later])
            by_hand.loop.wake()
            await until_all(at, "delivered", len(before) + len(later))
            assert asyncio.get_running_loop().time() - began < 10
            assert sum(office.asked[one] for one in theirs.values()) == 5
            office.speak()
            await eventually(
                lambda: len(office.mails) == len(before) + len(later) + len(strangers), seconds=60
            )


@pytest.mark.parametrize(
    ("domains", "held", "most"),
    [
        # Any number of names below one domain, each of them quick for ten mails: one place.
        ([f"s{n}.stranger.example" for n in range(4)], 6, 6),
        # All connections, until what is beyond half of them is interrupted.
        ([f"stranger-{n}.example" for n in range(8)], 7, 20),
    ],
    ids=["names below one domain", "many domains"],
)
async def test_strangers_domains_that_were_quick_before_they_hang_hold_up_no_code_for_long(
    mongo: str, domains: list[str], held: int, most: int
) -> None:
    quick, silent, before, asking = (
        [new_id() for _ in range(many)] for many in (10 * len(domains), 40, 20, 20)
    )
    theirs = {one: f"{one}@{domains[n % len(domains)]}" for n, one in enumerate([*quick, *silent])}
    async with at_work(mongo, RetryPolicy()) as (at, office):
        await at.handle(*known(*before, *asking), *[keyed(one) for one in theirs])
        await at.handle(*[joined(one, contact_sealed=locked(one, email=theirs[one])) for one in theirs])
        by_hand = courier(at, office)
        async with sending(by_hand):
            await at.handle(*[code_requested(one) for one in (*quick, *before)])
            by_hand.loop.wake()
            await until_all(at, "delivered", len(quick) + len(before))
            office.silent_at.update(theirs[one] for one in silent)
            await at.handle(*[code_requested(one) for one in silent])
            by_hand.loop.wake()
            await eventually(lambda: sum(office.asked[theirs[one]] for one in silent) >= held)
            began = asyncio.get_running_loop().time()
            await at.handle(*[code_requested(one) for one in asking])
            by_hand.loop.wake()
            await eventually(lambda: all(office.of(address_of(one)) for one in asking), seconds=10)
            assert asyncio.get_running_loop().time() - began < 10
            assert sum(office.asked[theirs[one]] for one in silent) <= most
            # What was interrupted is tried again later.
            assert await at.database["messages"].count_documents({"state": "failed"}) == 0
            assert max(office.asked[theirs[one]] for one in silent) == 1
            office.speak()


async def test_a_code_that_finds_no_connection_waits_for_a_moment_and_other_mails_for_longer(
    mongo: str,
) -> None:
    strangers = [new_id() for _ in range(24)]
    theirs = {one: f"someone@{one}.example" for one in strangers}
    async with at_work(mongo, RetryPolicy()) as (at, office):
        office.silent_at.update(theirs.values())
        await at.handle(*[keyed(one) for one in strangers])
        await at.handle(*[joined(one, contact_sealed=locked(one, email=theirs[one])) for one in strangers])
        codes, others = strangers[:12], strangers[12:]
        await at.handle(*[code_requested(one) for one in codes], *[confirmed(one) for one in others])
        async with sending(courier(at, office)):

            async def waits(kind: str) -> list[float]:
                """For how many seconds mails of this kind have been put off that found no connection."""
                begun = [one for one, address in theirs.items() if office.asked[address]]
                found = at.database["messages"].find(
                    {"channel": "email", "kind": kind, "state": "pending", "participant_id": {"$nin": begun}}
                )
                return [(one["due_at"] - clock.now()).total_seconds() async for one in found]

            await eventually(lambda: sum(office.asked[one] for one in theirs.values()) >= 5)
            # Nobody else is begun: the others wait again and again.
            longest = {CODE_KIND: 0.0, "registration_confirmed": 0.0}
            for _ in range(30):
                for kind in longest:
                    longest[kind] = max(longest[kind], *await waits(kind), 0.0)
                await asyncio.sleep(0.05)
            assert 0.0 < longest[CODE_KIND] <= 2.0
            assert longest["registration_confirmed"] > 5.0
            office.speak()


@pytest.mark.parametrize(
    "reply",
    [
        "250-" + "a" * 200_000,
        "250-a\r\n" * 20_000 + "250 OK",
        "999 what",
        "\x00 junk",
        "100 wait",
        "451 later",
    ],
    ids=["endless line", "endless lines", "999", "junk", "100", "451"],
)
async def test_whatever_the_server_says_at_one_recipient_is_a_try_of_that_mail_alone(
    mongo: str, reply: str
) -> None:
    odd, others = new_id(), [new_id() for _ in range(10)]
    async with at_work(mongo, RetryPolicy()) as (at, office):
        office.replies[address_of(odd)] = [reply]
        await at.handle(*known(odd, *others), *[confirmed(person) for person in (odd, *others)])
        async with sending(courier(at, office)):
            await until_all(at, "delivered", 10)
            await until_none_is_due(at)
        [document] = await at.messages(odd)
    assert document["attempts"] == 1
    assert (document["state"], document["code"]) in {
        ("pending", "smtp_interrupted"),
        ("pending", "smtp_deferred"),
        ("failed", "smtp_rejected"),
    }


async def test_one_recipients_many_mails_are_claimed_a_few_at_a_time_and_others_come_between(
    mongo: str,
) -> None:
    many, others = new_id(), [new_id() for _ in range(5)]
    async with desk(mongo) as at:
        await at.handle(*known(many, *others), *[confirmed(many) for _ in range(10)])
        await at.handle(*[confirmed(person) for person in others])
        due = Counter(recipient for _, recipient in await at.queue.due(clock.now(), 100))
        assert due == {many: RECIPIENT_MAILS_MAX} | dict.fromkeys(others, 1)
        # Mails under way are counted, and a recipient with enough of them is not even looked at.
        one_more = await at.queue.due(clock.now(), 100, {many: RECIPIENT_MAILS_MAX - 1})
        assert Counter(recipient for _, recipient in one_more)[many] == 1
        none = await at.queue.due(clock.now(), 5, {many: RECIPIENT_MAILS_MAX})
        assert {recipient for _, recipient in none} == set(others)


async def test_a_flood_for_one_participant_leaves_the_mails_of_others_at_most_a_moment_behind(
    mongo: str,
) -> None:
    flooded, others = new_id(), [new_id() for _ in range(20)]
    async with at_work(mongo) as (at, office):
        await at.handle(*known(flooded, *others))
        for _ in range(3):
            await at.handle(*[requested(flooded) for _ in range(500)])
        await at.handle(*[confirmed(person) for person in others])
        assert await at.database["messages"].count_documents({"due_at": {"$exists": True}}) == (
            OPEN_MAILS_MAX + len(others)
        )
        async with sending(courier(at, office, per_day_max=5)):
            await until_none_is_due(at)
        order = [address for address, _ in office.mails]
        states = Counter(await at.states(flooded))
    assert states == {"delivered": 5, "pending": OPEN_MAILS_MAX - 5, "skipped": 1_500 - OPEN_MAILS_MAX}
    # The first claim has all the others.
    assert order[: len(others) + RECIPIENT_MAILS_MAX].count(address_of(flooded)) <= RECIPIENT_MAILS_MAX
    assert len(order) == 5 + len(others)
