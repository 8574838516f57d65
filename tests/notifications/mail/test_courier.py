"""Mails delivered from the real database to a real SMTP server."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest

from services.notifications.contacts.decryptor import Opener
from services.notifications.mail.compose import Postal
from services.notifications.mail.courier import Courier, Pace, sending
from services.notifications.mail.daily_cap import DailyCap, next_day
from services.notifications.mail.smtp import MailServer
from services.notifications.messages.rules import Outcome, Patience, Preferences
from services.notifications.wording.render import Wording
from shared.contracts import sealing
from shared.contracts.events import NotificationDelivered, NotificationFailed
from shared.runtime import clock
from tests.notifications.builders import (
    CONTACT_PRIVATE_KEY,
    NAME,
    TICKET,
    Desk,
    address_of,
    confirmed,
    desk,
    erased,
    fresh,
    issued,
    joined,
    key_of,
    keyed,
    known,
    locked,
    requested,
)
from tests.notifications.mail.post_office import PostOffice, open_office
from tests.support.kafka import eventually

pytestmark = pytest.mark.stack

QUICK = Patience(retry_seconds=0.05, retry_seconds_max=0.2)


def postal(at: Desk, key: str = CONTACT_PRIVATE_KEY) -> Postal:
    wording = Wording({"zh-CN": "科技活动周组委会", "en": "Organising Committee"})
    return Postal(at.contacts, wording, Opener(key), sender="kepu@example.org")


def courier(
    at: Desk,
    office: PostOffice,
    *,
    key: str = CONTACT_PRIVATE_KEY,
    claim_mails_max: int = 300,
    per_day_max: int = 20,
    mail_seconds_max: float = 20.0,
) -> Courier:
    server = MailServer("127.0.0.1", office.port, "kepu@example.org", mail_seconds_max=mail_seconds_max)
    pace = Pace(claim_mails_max=claim_mails_max, poll_seconds=0.05, pause_seconds=0.02, patience=at.patience)
    return Courier(at.queue, postal(at, key), server, DailyCap(at.database, key, per_day_max), pace)


async def all_in(at: Desk, state: str, count: int) -> bool:
    return bool(await at.database["messages"].count_documents({"channel": "email", "state": state}) == count)


async def until_all(at: Desk, state: str, count: int) -> None:
    await eventually(lambda: all_in(at, state, count))


async def until_settled(at: Desk) -> None:
    """Until no mail is under way any more."""

    async def settled() -> bool:
        return await at.database["messages"].find_one({"state": {"$in": ["pending", "claimed"]}}) is None

    await eventually(settled)


async def until_none_is_due(at: Desk) -> None:
    """Until no mail is claimed, and those that are pending wait for later."""

    async def none_due() -> bool:
        under_way = {"$or": [{"state": "claimed"}, {"state": "pending", "due_at": {"$lte": clock.now()}}]}
        return await at.database["messages"].find_one(under_way) is None

    await eventually(none_due)


@asynccontextmanager
async def at_work(mongo: str, patience: Patience = QUICK) -> AsyncIterator[tuple[Desk, PostOffice]]:
    async with desk(mongo, patience) as at, open_office() as office:
        yield at, office


async def test_a_mail_arrives_greets_by_name_and_is_told_of_once(mongo: str) -> None:
    person, group = fresh(), fresh("group")
    async with at_work(mongo) as (at, office):
        await at.tell(*known(person), *known(group, kind="group", language="en"))
        await at.tell(confirmed(person), issued(group))
        async with sending(courier(at, office)):
            await until_all(at, "delivered", 2)
        [mail], [english] = office.of(address_of(person)), office.of(address_of(group))
        told = [
            NotificationDelivered.model_validate_json(one)
            for one in await at.told(NotificationDelivered.topic)
        ]
        [document] = await at.messages(person)
    assert str(mail["Subject"]) == "【科技活动周】报名成功通知：科普宣传一条街"
    assert str(mail["Message-ID"]) == f"<{document['_id']}@example.org>"
    assert mail.get_content().startswith(f"尊敬的{NAME}：")
    assert str(english["Content-Language"]) == "en"
    assert {(one.channel, one.participant_id) for one in told} == {("email", person), ("email", group)}
    assert document["finished_at"] == next(one.delivered_at for one in told if one.participant_id == person)
    assert document["attempts"] == 1
    assert "due_at" not in document


async def test_two_couriers_send_each_mail_once(mongo: str) -> None:
    people = [fresh() for _ in range(300)]
    async with at_work(mongo) as (at, office):
        await at.tell(*known(*people))
        await at.tell(*[confirmed(person) for person in people[:150]])
        first, second = courier(at, office, claim_mails_max=50), courier(at, office, claim_mails_max=50)
        async with sending(first), sending(second):
            await at.tell(*[confirmed(person) for person in people[150:]])
            await until_all(at, "delivered", 300)
        counts = office.counts
        told = await at.told(NotificationDelivered.topic)
    assert len(counts) == 300
    assert set(counts.values()) == {1}
    assert len(told) == len(set(told)) == 300


async def test_a_refused_recipient_fails_at_once_and_an_organiser_may_try_again(mongo: str) -> None:
    person = fresh()
    async with at_work(mongo) as (at, office):
        office.replies[address_of(person)] = ["550 5.1.1 no such mailbox", "250 OK"]
        await at.tell(*known(person), confirmed(person))
        async with sending(courier(at, office)):
            await until_all(at, "failed", 1)
            [document] = await at.messages(person)
            assert (document["code"], document["reply"], document["attempts"]) == ("smtp_rejected", 550, 1)
            [told] = await at.told(NotificationFailed.topic)
            assert NotificationFailed.model_validate_json(told).code == "smtp_rejected"
            again = await at.deliveries.retry(document["_id"], clock.now())
            assert (again.state, again.attempts, again.code) == ("pending", 0, None)
            await until_all(at, "delivered", 1)
        assert len(await at.told(NotificationDelivered.topic)) == 1
    # What the server said of the mailbox is nobody's business.
    assert "mailbox" not in told


@pytest.mark.parametrize("reply", ["450 greylisted", "451 greylisted", "452 mailbox full"])
async def test_a_deferred_mail_is_tried_again_until_its_time_is_over(mongo: str, reply: str) -> None:
    patient, hopeless, fine = fresh(), fresh(), fresh()
    patience = Patience(retry_seconds=0.05, retry_seconds_max=0.2, pending_max=timedelta(seconds=3))
    async with at_work(mongo, patience) as (at, office):
        office.replies[address_of(patient)] = [reply] * 7 + ["250 OK"]
        office.replies[address_of(hopeless)] = [reply]
        await at.tell(*known(patient, hopeless, fine))
        await at.tell(*[confirmed(person) for person in (patient, hopeless, fine)])
        async with sending(courier(at, office)):
            await until_all(at, "delivered", 2)
            await until_all(at, "failed", 1)
        [first], [last] = await at.messages(patient), await at.messages(hopeless)
        [told] = await at.told(NotificationFailed.topic)
    assert first["attempts"] == office.asked[address_of(patient)] == 8
    assert last["attempts"] == office.asked[address_of(hopeless)] > 8
    assert (last["code"], last["reply"]) == ("smtp_deferred", int(reply[:3]))
    assert NotificationFailed.model_validate_json(told).attempts == last["attempts"]
    assert len(office.of(address_of(fine))) == 1


async def test_a_full_mailbox_waits_for_minutes_and_not_for_seconds(mongo: str) -> None:
    person = fresh()
    async with at_work(mongo, Patience()) as (at, office):
        office.replies[address_of(person)] = ["452 mailbox full"]
        await at.tell(*known(person), confirmed(person))
        await courier(at, office).turn()
        [document] = await at.messages(person)
    assert (document["state"], document["attempts"], document["reply"]) == ("pending", 1, 452)
    assert document["due_at"] - clock.now() > timedelta(minutes=2)
    assert document["expires_at"] - clock.now() > timedelta(days=3)


async def test_a_mail_server_that_is_away_costs_no_mail_a_try(mongo: str) -> None:
    people = [fresh() for _ in range(20)]
    async with desk(mongo, QUICK) as at:
        await at.tell(*known(*people), *[confirmed(person) for person in people])
        away = PostOffice()
        async with open_office(away):
            pass
        stuck = courier(at, away)
        rests = []
        for _ in range(4):
            rests.append(await stuck.turn())
            await asyncio.sleep(rests[-1])
        # Longer and longer; the turns themselves are in order, and the health with them.
        assert rests[-1] > rests[0] > 0
        assert await all_in(at, "pending", 20)
        assert await stuck.loop.check() is None
        async with open_office(away), sending(stuck):
            await until_all(at, "delivered", 20)
        assert {(await at.messages(person))[0]["attempts"] for person in people} == {1}


@pytest.mark.parametrize("reply", ["550 sender not allowed", "451 later", "421 closing", "close"])
async def test_a_server_that_refuses_our_sender_costs_no_mail_a_try(mongo: str, reply: str) -> None:
    people = [fresh() for _ in range(10)]
    async with at_work(mongo) as (at, office):
        office.refuse_sender = reply
        await at.tell(*known(*people), *[confirmed(person) for person in people])
        stuck = courier(at, office)
        await asyncio.sleep(await stuck.turn())
        assert await all_in(at, "pending", 10)
        assert {(await at.messages(person))[0]["attempts"] for person in people} == {0}
        office.refuse_sender = None
        await stuck.turn()
        assert await all_in(at, "delivered", 10)
        await stuck.close()


@pytest.mark.parametrize("reply", ["421 too much for this mailbox", "close"])
async def test_recipients_that_the_server_closes_at_hold_up_no_other(mongo: str, reply: str) -> None:
    closing, others = [fresh() for _ in range(3)], [fresh() for _ in range(30)]
    async with at_work(mongo, Patience()) as (at, office):
        for person in closing:
            office.replies[address_of(person)] = [reply]
        await at.tell(*known(*closing), *[confirmed(person) for person in closing])
        await at.tell(*known(*others), *[confirmed(person) for person in others[:15]])
        at_once = courier(at, office)
        # No pause follows: the server is there.
        assert await at_once.turn() == 0
        assert await all_in(at, "delivered", 15)
        await at.tell(*[confirmed(person) for person in others[15:]])
        await at_once.turn()
        assert await all_in(at, "delivered", 30)
        documents = [(await at.messages(person))[0] for person in closing]
        await at_once.close()
    # The first time may be the connection's fault; the second is a try of that mail.
    assert {office.asked[address_of(person)] for person in closing} == {2}
    assert {(one["state"], one["attempts"], one["code"]) for one in documents} == {
        ("pending", 1, "smtp_closed")
    }
    assert min(one["due_at"] for one in documents) - clock.now() > timedelta(minutes=2)


@pytest.mark.parametrize(
    ("reply", "becomes"),
    [
        ("close", ("pending", "smtp_closed")),
        ("452 no room", ("pending", "smtp_deferred")),
        ("552 too large", ("failed", "smtp_rejected")),
    ],
)
async def test_a_mail_that_is_not_taken_at_its_sender_is_judged_alone_and_the_others_leave(
    mongo: str, reply: str, becomes: tuple[str, str]
) -> None:
    large, others = [fresh() for _ in range(9)], [fresh() for _ in range(20)]
    async with at_work(mongo, Patience()) as (at, office):
        office.size_bytes_max, office.too_large = 3_000, reply
        await at.tell(*known(*large, *others), *[requested(one, body="字" * 1_500) for one in large])
        at_once = courier(at, office)
        # Alone, too, nobody takes them for an outage.
        assert await at_once.turn() == 0
        await at.tell(*[confirmed(person) for person in others])
        assert await at_once.turn() == 0
        assert await all_in(at, "delivered", 20)
        documents = [(await at.messages(one))[0] for one in large]
        await at_once.close()
    assert {(one["state"], one["code"]) for one in documents} == {becomes}
    assert {one["attempts"] for one in documents} == {1}


async def test_a_recipient_at_whom_the_server_falls_silent_is_put_off_and_the_others_leave(
    mongo: str,
) -> None:
    silent, others = fresh(), [fresh() for _ in range(20)]
    async with at_work(mongo, Patience()) as (at, office):
        office.silent_at.add(address_of(silent))
        await at.tell(*known(silent, *others), *[confirmed(person) for person in (silent, *others)])
        at_once = courier(at, office, mail_seconds_max=0.5)
        assert await at_once.turn() == 0
        assert await all_in(at, "delivered", 20)
        [document] = await at.messages(silent)
        await at_once.close()
    assert (document["state"], document["attempts"], document["code"]) == ("pending", 1, "smtp_interrupted")


async def test_a_server_that_closes_after_so_many_mails_is_no_outage(mongo: str) -> None:
    people = [fresh() for _ in range(40)]
    async with at_work(mongo, Patience()) as (at, office):
        office.mails_a_connection = 3
        await at.tell(*known(*people), *[confirmed(person) for person in people])
        at_once = courier(at, office)
        assert await at_once.turn() == 0
        assert await all_in(at, "delivered", 40)
        await at_once.close()
    assert set(office.counts.values()) == {1}


async def test_a_mail_that_waits_longer_than_the_bound_has_expired(mongo: str) -> None:
    person = fresh()
    async with desk(mongo, Patience(pending_max=timedelta(milliseconds=50))) as at:
        await at.tell(*known(person), confirmed(person))
        async with sending(courier(at, PostOffice(port=1))):
            await until_all(at, "failed", 1)
        [document] = await at.messages(person)
        assert (document["code"], document["attempts"]) == ("expired", 0)
        [told] = await at.told(NotificationFailed.topic)
    assert NotificationFailed.model_validate_json(told).code == "expired"


async def test_no_address_and_mails_turned_off_are_no_failures_and_an_unreadable_contact_is(
    mongo: str,
) -> None:
    nameless, quiet, unreadable, broken = fresh(), fresh(), fresh(), fresh()
    foreign_key = sealing.new_key()
    async with at_work(mongo) as (at, office):
        await at.tell(
            *known(nameless, contact_sealed=locked(nameless, email=None)),
            *known(quiet),
            *known(unreadable, contact_sealed=locked(unreadable, key=foreign_key)),
            *known(broken, contact_sealed="AAAA"),
        )
        await at.contacts.choose(quiet, Preferences(email=False))
        await at.tell(*[confirmed(person) for person in (nameless, quiet, unreadable, broken)])
        async with sending(courier(at, office)):
            await until_all(at, "skipped", 2)
            await until_all(at, "failed", 2)
        codes = {person: (await at.messages(person))[0]["code"] for person in (nameless, quiet, unreadable)}
        told = await at.told(NotificationFailed.topic)
    assert codes == {nameless: "no_address", quiet: "email_off", unreadable: "contact_unreadable"}
    assert len(told) == 2
    assert office.mails == []


async def test_contacts_that_cannot_be_opened_fail_one_by_one_and_stop_nobody_elses_mail(mongo: str) -> None:
    broken, fine = [fresh() for _ in range(60)], [fresh() for _ in range(5)]
    foreign_private, foreign_public = sealing.new_key_pair()
    async with at_work(mongo) as (at, office):
        await at.tell(*known(*broken[:30], contact_sealed=locked("other")), *known(*fine))
        # Keys that were sealed for somebody else, too.
        await at.tell(*[joined(person) for person in broken[30:]])
        foreign_key = sealing.seal_key(key_of("x"), foreign_public)
        await at.tell(*[keyed(person, key_sealed=foreign_key) for person in broken[30:]])
        await at.tell(*[confirmed(person) for person in broken + fine])
        async with sending(courier(at, office)):
            await until_all(at, "delivered", 5)
            await until_all(at, "failed", 60)
        codes = {(await at.messages(person))[0]["code"] for person in broken}
        assert len(await at.told(NotificationFailed.topic)) == 60
    assert codes == {"contact_unreadable", "key_unreadable"}
    assert foreign_private


async def test_a_mail_that_cannot_be_made_fails_alone_and_costs_the_others_no_try(mongo: str) -> None:
    odd, strange, late, fine = fresh(), fresh(), fresh(), [fresh() for _ in range(10)]
    async with at_work(mongo) as (at, office):
        await at.tell(
            *known(odd, strange, late, *fine), *[confirmed(person) for person in (odd, strange, late, *fine)]
        )
        # As an older or a newer version may have stored them.
        mails = at.database["messages"]
        await mails.update_one(
            {"participant_id": odd, "channel": "email"}, {"$set": {"facts.starts_at": "tomorrow"}}
        )
        await mails.update_one(
            {"participant_id": strange, "channel": "email"},
            {"$set": {"kind": "unheard_of", "cause.id": "two\u2028lines"}},
        )
        await mails.update_one(
            {"participant_id": late, "channel": "email"},
            {"$set": {"created_at": datetime(9999, 12, 31, 20, tzinfo=UTC)}},
        )
        async with sending(courier(at, office)):
            await until_all(at, "delivered", 10)
            await until_all(at, "failed", 3)
        assert {(await at.messages(person))[0]["code"] for person in (odd, strange, late)} == {
            "mail_unmakeable"
        }
        assert {(await at.messages(person))[0]["attempts"] for person in fine} == {1}
        # What no event can name is not told; the others are.
        assert len(await at.told(NotificationFailed.topic)) == 2


async def test_a_message_or_contact_that_cannot_be_read_stops_nobody_elses_mail(mongo: str) -> None:
    torn, bare, fine = fresh(), fresh(), [fresh() for _ in range(5)]
    async with at_work(mongo) as (at, office):
        await at.tell(*known(torn, bare, *fine), *[confirmed(person) for person in (torn, bare, *fine)])
        await at.database["messages"].update_many({"participant_id": torn}, {"$unset": {"cause": ""}})
        await at.database["contacts"].replace_one({"_id": bare}, {})
        async with sending(courier(at, office)):
            await until_all(at, "delivered", 5)
            await until_settled(at)
        assert (await at.messages(torn))[0]["code"] == "message_unreadable"
        assert (await at.messages(bare))[0]["code"] == "no_address"
        assert {(await at.messages(person))[0]["attempts"] for person in fine} == {1}


async def test_a_session_in_the_year_9999_stops_no_mail(mongo: str) -> None:
    person = fresh()
    async with at_work(mongo) as (at, office):
        await at.tell(*known(person), confirmed(person))
        end = datetime(9999, 12, 31, 20, tzinfo=UTC)
        await at.database["messages"].update_many({}, {"$set": {"facts.starts_at": end}})
        async with sending(courier(at, office)):
            await until_all(at, "delivered", 1)
        assert "另行通知" in office.of(address_of(person))[0].get_content()


async def test_a_mail_holds_the_ticket_that_the_event_had_locked(mongo: str) -> None:
    person = fresh()
    async with at_work(mongo) as (at, office):
        await at.tell(*known(person), confirmed(person))
        async with sending(courier(at, office)):
            await until_all(at, "delivered", 1)
        assert TICKET in office.of(address_of(person))[0].get_content()


async def test_a_key_destroyed_before_the_mail_leaves_stops_it(mongo: str) -> None:
    person = fresh()
    async with at_work(mongo) as (at, office):
        await at.tell(*known(person), confirmed(person))
        await at.tell(keyed(person, version=2, key_sealed=None))
        async with sending(courier(at, office)):
            await until_all(at, "cancelled", 1)
    assert office.mails == []


async def test_an_address_gets_so_many_mails_a_day_and_no_more(mongo: str) -> None:
    people = [fresh() for _ in range(8)]
    async with at_work(mongo) as (at, office):
        await at.tell(*known(*people[:7], contact_sealed=None), *known(people[7]))
        for version, address in ((2, "bombed@example.org"), (3, "Bombed@example.org")):
            for person in people[:7]:
                shared = locked(person, email=address)
                await at.tell(joined(person, version=version, contact_sealed=shared))
            await at.tell(*[confirmed(person) for person in people])
            async with sending(courier(at, office, per_day_max=5)):
                await until_none_is_due(at)
        over = [one for person in people for one in await at.messages(person) if one["state"] != "delivered"]
        counts = await at.database["mail_counts"].find().to_list(None)
    assert len(office.mails) == 5 + 2
    assert len(over) == 2 + 7
    # It is our bound and no fault of theirs: it costs no try.
    waits = {(one["state"], one["code"], one["due_at"], one["attempts"]) for one in over}
    assert waits == {("pending", "too_many_mails", next_day(clock.now()), 0)}
    assert "example" not in str(counts)


async def test_mails_beyond_a_days_number_leave_on_the_next_day(mongo: str) -> None:
    person = fresh()
    async with at_work(mongo) as (at, office):
        await at.tell(*known(person), *[confirmed(person) for _ in range(3)])
        at_once = courier(at, office, per_day_max=2)
        await at_once.turn()
        assert await all_in(at, "delivered", 2)
        # As if a night had passed: the counts are a day old, and the mail is due.
        await at.database["mail_counts"].delete_many({})
        await at.database["messages"].update_many({"state": "pending"}, {"$set": {"due_at": clock.now()}})
        await at_once.turn()
        await at_once.close()
        assert await all_in(at, "delivered", 3)


async def test_a_mail_beyond_a_days_number_whose_time_ends_before_the_next_has_failed(mongo: str) -> None:
    person = fresh()
    async with at_work(mongo) as (at, office):
        await at.tell(*known(person), *[confirmed(person) for _ in range(2)])
        ends_at = next_day(clock.now())
        await at.database["messages"].update_many({"channel": "email"}, {"$set": {"expires_at": ends_at}})
        async with sending(courier(at, office, per_day_max=1)):
            await until_all(at, "failed", 1)
        [document] = [one for one in await at.messages(person) if one["state"] == "failed"]
        [told] = await at.told(NotificationFailed.topic)
    assert (document["code"], document["attempts"]) == ("too_many_mails", 0)
    event = NotificationFailed.model_validate_json(told)
    assert (event.code, event.attempts) == ("too_many_mails", 0)


async def test_mails_that_the_server_defers_or_refuses_do_not_count_against_a_days_number(mongo: str) -> None:
    full, gone = fresh(), fresh()
    async with at_work(mongo) as (at, office):
        office.replies[address_of(full)] = ["452 mailbox full"] * 10 + ["250 OK"]
        office.replies[address_of(gone)] = ["550 no such mailbox"]
        await at.tell(*known(full, gone), *[confirmed(person) for person in (full, full, gone)])
        async with sending(courier(at, office, per_day_max=3)):
            await until_all(at, "failed", 1)
            await until_all(at, "delivered", 2)
        counts = await at.database["mail_counts"].find().to_list(None)
    assert office.asked[address_of(full)] == 12
    assert [one["mails"] for one in counts] == [2]


def test_a_day_of_the_count_ends_at_midnight_in_the_weeks_own_zone() -> None:
    assert next_day(datetime(2023, 5, 20, 15, 59, tzinfo=UTC)) == datetime(2023, 5, 20, 16, tzinfo=UTC)
    assert next_day(datetime(2023, 5, 20, 16, tzinfo=UTC)) == datetime(2023, 5, 21, 16, tzinfo=UTC)


async def test_a_recipient_erased_while_a_mail_is_claimed_hears_nothing_more(mongo: str) -> None:
    person = fresh()
    async with desk(mongo) as at:
        await at.tell(*known(person), confirmed(person))
        ids = await at.queue.due(clock.now(), 10)
        claim, claimed = await at.queue.claim(ids, clock.now(), timedelta(seconds=60))
        await at.tell(erased(person))
        made = await postal(at).make([one.message for one in claimed])
        assert await at.states(person) == ["cancelled"]
        assert made == [Outcome("cancelled", "erased")]
        marked = await at.queue.mark(claim, [(claimed[0], Outcome("cancelled", "erased"))], clock.now())
        assert marked == 0
        assert await at.states(person) == ["cancelled"]


async def test_a_claim_that_ended_is_another_couriers_and_the_first_one_marks_nothing(mongo: str) -> None:
    person = fresh()
    async with at_work(mongo) as (at, office):
        await at.tell(*known(person), confirmed(person))
        ids = await at.queue.due(clock.now(), 10)
        await at.queue.claim(ids, clock.now(), timedelta(milliseconds=1))
        assert await at.queue.claim(ids, clock.now() - timedelta(seconds=1), timedelta(seconds=9))
        async with sending(courier(at, office)):
            await until_all(at, "delivered", 1)
        [document] = await at.messages(person)
        assert document["attempts"] == 2
        assert len(office.mails) == 1


async def test_a_mail_claimed_again_and_again_and_never_marked_is_given_up(mongo: str) -> None:
    person = fresh()
    async with at_work(mongo) as (at, office):
        await at.tell(*known(person), confirmed(person))
        await at.database["messages"].update_many({"channel": "email"}, {"$set": {"claims": 6}})
        async with sending(courier(at, office)):
            await until_all(at, "failed", 1)
        assert (await at.messages(person))[0]["code"] == "unconfirmed"
        assert office.mails == []


async def test_a_connection_lost_in_the_middle_is_a_try_and_the_mail_is_sent_again(mongo: str) -> None:
    people = [fresh() for _ in range(3)]
    async with desk(mongo, QUICK) as at:
        await at.tell(*known(*people), *[confirmed(person) for person in people])
        async with AsyncExitStack() as stack:
            async with open_office(PostOffice(hang=True)) as office:
                await stack.enter_async_context(sending(courier(at, office)))
                await eventually(lambda: len(office.mails) == 3)
            office.hang = False
            async with open_office(office):
                await until_all(at, "delivered", 3)
    # Taken twice, perhaps: the Message-ID tells that it is one.
    assert len(office.counts) == 3
    assert set(office.counts.values()) == {2}


async def test_stopping_finishes_what_is_being_sent_and_frees_the_rest(mongo: str) -> None:
    people = [fresh() for _ in range(300)]
    async with at_work(mongo) as (at, office):
        await at.tell(*known(*people), *[confirmed(person) for person in people])
        async with sending(courier(at, office)):
            await eventually(lambda: len(office.mails) > 5)
        sent = len(office.mails)
        assert await all_in(at, "delivered", sent)
        assert await all_in(at, "pending", 300 - sent)


async def test_an_address_in_chinese_is_written_as_such_where_the_server_can_and_fails_alone_where_not(
    mongo: str,
) -> None:
    person, domain, fine = fresh(), fresh(), fresh()
    for utf8 in (True, False):
        async with desk(mongo, QUICK) as at, open_office(PostOffice(utf8=utf8)) as office:
            await at.tell(*known(person, contact_sealed=locked(person, email="王小明@example.org")))
            await at.tell(
                *known(domain, contact_sealed=locked(domain, email="xiaoming@例子.cn")), *known(fine)
            )
            await at.tell(*[confirmed(one) for one in (person, domain, fine)])
            async with sending(courier(at, office)):
                await until_all(at, "delivered", 3 if utf8 else 2)
                await until_settled(at)
            to = {to for to, _ in office.mails}
            [document] = await at.messages(person)
        assert {"xiaoming@xn--fsqu00a.cn", address_of(fine)} < to | {""}
        assert ("王小明@example.org" in to) is utf8
        assert document.get("code") == (None if utf8 else "address_needs_smtputf8")


async def test_a_mail_costs_a_few_milliseconds_and_no_connection_of_its_own(mongo: str) -> None:
    people = [fresh() for _ in range(300)]
    async with at_work(mongo) as (at, office):
        await at.tell(*known(*people), *[confirmed(person) for person in people])
        started = time.process_time()
        async with sending(courier(at, office)):
            await until_all(at, "delivered", 300)
        spent_seconds = time.process_time() - started
        assert office.connections <= Pace().connections
    # 2 ms, of which the server in this same process takes a half; only a mistake falls through this floor.
    assert spent_seconds / 300 < 0.01
