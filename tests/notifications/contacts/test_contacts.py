"""Contacts and keys on the real database: in any order, late or twice, and the mails that wait for them."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from services.notifications.contacts.rules import Preferences
from tests.notifications.builders import (
    completed,
    confirmed,
    delivered_ids,
    desk,
    issued,
    joined,
    keyed,
    known,
    locked,
    requested,
)
from tests.support.service import enclosed, new_id

pytestmark = pytest.mark.stack


async def test_a_mail_before_its_recipient_has_joined_waits_and_then_becomes_due(mongo: str) -> None:
    early, nameless = new_id(), new_id()
    async with desk(mongo) as at:
        following = await at.handle(confirmed(early), issued(early), confirmed(nameless))
        assert len(delivered_ids(following)) == 3
        assert await at.states(early) == ["waiting_contact"] * 2
        await at.handle(*known(early), *known(nameless, contact_sealed=None))
        assert await at.states(early) == ["pending"] * 2
        # No address on file: no mail, and no failure either.
        assert [(m["state"], m["code"]) for m in await at.messages(nameless)] == [("skipped", "no_address")]
        for document in await at.messages(early):
            assert document["due_at"] < document["expires_at"]


async def test_joining_and_being_told_at_the_same_moment_leaves_no_mail_waiting(mongo: str) -> None:
    people = [new_id() for _ in range(40)]
    async with desk(mongo) as at:
        await asyncio.gather(
            *[at.handle(confirmed(person)) for person in people],
            *[at.handle(*known(person)) for person in people],
        )
        for person in people:
            assert await at.states(person) == ["pending"]


async def test_a_mail_not_made_for_want_of_an_address_is_told_beside_the_inbox_message(mongo: str) -> None:
    person, lonely = new_id(), new_id()
    async with desk(mongo) as at:
        told = enclosed(issued(person))
        await at.handle(*known(person, lonely, contact_sealed=None))
        assert at.woken == 1
        await at.handle(told, completed(person), requested(lonely, channels=("email",)))
        assert await at.messages(person) == []
        inbox = {document["kind"]: document for document in await at.messages(person, "inbox")}
        assert inbox["award_issued"]["unmailed"] == "no_address"
        # The policy asks for no mail of a result.
        assert "unmailed" not in inbox["quiz_completed"]
        assert await at.states(lonely) == ["skipped"]
        assert await at.deliveries.summary() == {("inbox", "delivered"): 2, ("email", "skipped"): 2}
        listed = await at.deliveries.page("skipped", ["inbox", "email"], None, 10)
        assert {(one.message.participant_id, one.message.channel, one.state, one.code) for one in listed} == {
            (one, "email", "skipped", "no_address") for one in (person, lonely)
        }
        assert await at.deliveries.page("skipped", ["inbox"], None, 10) == []


async def test_an_address_given_later_has_no_mail_made_of_what_was_told_before(mongo: str) -> None:
    person = new_id()
    before, after = enclosed(issued(person)), enclosed(confirmed(person))
    async with desk(mongo) as at:
        await at.handle(*known(person, contact_sealed=None), before)
        first = await at.handle(before)
        await at.handle(joined(person, version=2))
        # The whole topic again, as after a reset of the group.
        again = await at.handle(before, after)
        assert [document["kind"] for document in await at.messages(person)] == ["registration_confirmed"]
        assert delivered_ids(again).items() > delivered_ids(first).items()
        # And the other way round: the mail that was made stays the only one.
        await at.handle(joined(person, version=3, contact_sealed=None), before, after)
        assert [document["kind"] for document in await at.messages(person)] == ["registration_confirmed"]
        [told] = [
            one for one in await at.messages(person, "inbox") if one["kind"] == "registration_confirmed"
        ]
        assert "unmailed" not in told


async def test_a_mail_waits_for_the_contact_and_for_the_key_in_either_order(mongo: str) -> None:
    first, second = new_id(), new_id()
    async with desk(mongo) as at:
        await at.handle(confirmed(first), confirmed(second))
        await at.handle(joined(first), keyed(second))
        assert await at.states(first) == await at.states(second) == ["waiting_contact"]
        # Also what is told of while the key alone is missing.
        await at.handle(issued(first))
        assert await at.states(first) == ["waiting_contact"] * 2
        await at.handle(keyed(first), joined(second))
        assert await at.states(first) == ["pending"] * 2
        assert await at.states(second) == ["pending"]


async def test_keys_contacts_and_mails_that_come_at_the_same_moment_leave_no_mail_waiting(mongo: str) -> None:
    people = [new_id() for _ in range(30)]
    async with desk(mongo) as at:
        await asyncio.gather(
            *[at.handle(confirmed(person)) for person in people],
            *[at.handle(joined(person)) for person in people],
            *[at.handle(keyed(person)) for person in people],
        )
        for person in people:
            assert await at.states(person) == ["pending"]


async def test_an_old_profile_or_key_that_comes_late_changes_nothing(mongo: str) -> None:
    person = new_id()
    latest, latest_key = locked(person, email="new@example.org"), keyed(person, version=2).key_sealed
    async with desk(mongo) as at:
        # Within one batch too, and told again by a zombie.
        await at.handle(
            joined(person, version=3, contact_sealed=latest, language="en"), joined(person, version=2)
        )
        await at.handle(keyed(person, version=2, key_sealed=latest_key), keyed(person, version=1))
        await at.handle(joined(person, version=1), keyed(person, version=1))
        recipient = (await at.contacts.recipients([person]))[person]
        assert (recipient.contact_sealed, recipient.language) == (latest, "en")
        assert await at.contacts.keys([person]) == {person: latest_key}


async def test_old_and_new_profiles_handled_at_once_leave_the_newest(mongo: str) -> None:
    person = new_id()
    async with desk(mongo) as at:
        await asyncio.gather(
            *[
                at.handle(
                    joined(person, version=n, contact_sealed=None, language="en" if n == 20 else "zh-CN")
                )
                for n in range(1, 21)
            ]
        )
        assert (await at.contacts.recipients([person]))[person].language == "en"


async def test_a_destroyed_key_never_comes_back_and_stops_the_mail(mongo: str) -> None:
    person = new_id()
    async with desk(mongo) as at:
        await at.handle(*known(person), keyed(person, version=2, key_sealed=None), keyed(person, version=3))
        assert await at.contacts.keys([person]) == {}
        await at.handle(keyed(person, version=4))
        assert await at.contacts.keys([person]) == {}
        await at.handle(confirmed(person))
        assert await at.states(person) == ["waiting_contact"]


async def test_what_a_stranger_chose_does_not_pass_to_the_owner_of_the_contact(mongo: str) -> None:
    person, proved = new_id(), datetime(2026, 5, 20, 12, tzinfo=UTC)
    by_stranger, by_owner = int(proved.timestamp()) - 1, int(proved.timestamp())
    chosen = Preferences(email=False, language="en")
    async with desk(mongo) as at:
        await at.handle(joined(person, verified=False))
        await at.contacts.choose(person, chosen, issued_at=by_stranger)
        await at.handle(joined(person, version=2, verified=False))
        assert await at.contacts.preferences([person]) == {person: chosen}
        verified = joined(person, version=3, tokens_from=proved)
        await at.handle(verified)
        assert await at.contacts.preferences([person]) == {}
        # The stranger's token may be good for a second still.
        await at.contacts.choose(person, chosen, issued_at=by_stranger)
        await at.handle(verified, joined(person, version=1, verified=False))
        assert await at.contacts.preferences([person]) == {}
        await at.contacts.choose(person, chosen, issued_at=by_owner)
        # The owner ends the own tokens: what the owner has chosen stays.
        await at.handle(joined(person, version=4, tokens_from=proved + timedelta(days=1)))
        assert await at.contacts.preferences([person]) == {person: chosen}


async def test_whose_contact_was_verified_before_we_knew_them_keeps_what_they_chose(mongo: str) -> None:
    entered, late = new_id(), new_id()
    proved = datetime(2026, 5, 20, 12, tzinfo=UTC)
    async with desk(mongo) as at:
        for person in (entered, late):
            await at.contacts.choose(person, Preferences(sms=False), issued_at=0)
        await at.handle(joined(entered), joined(late, version=2, tokens_from=proved))
        # An organiser has entered one; the other one was a newcomer, of whom the first event comes late.
        await at.handle(joined(late, version=1, verified=False))
        assert await at.contacts.preferences([entered, late]) == {entered: Preferences(sms=False)}
