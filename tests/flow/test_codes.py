"""
Where no mail with a code is sent, a good one is in the mailbox: whatever strangers have done before.

Registration makes the codes, and notifications bounds the mails. Each relies on the other.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from services.registration.booking.store import RegistrationStore
from services.registration.erasure.leave import Leaving
from services.registration.participants.store import ParticipantStore
from shared.storage.mongo import Database
from tests.flow.mailboxes import Mailboxes
from tests.registration.builders import activity, ask, newcomer, put, service
from tests.registration.merging.builders import merge
from tests.registration.sign_ins.builders import ask_for_code, confirm, join
from tests.support.service import bearer, code_of

pytestmark = pytest.mark.stack
VICTIM = "victim@example.org"


class Stage:
    """A service, its database, and the mailboxes of everybody."""

    def __init__(self, client: httpx.AsyncClient, database: Database) -> None:
        self.client = client
        self.database = database
        self.mailboxes = Mailboxes(database)

    async def join(self, address: str) -> dict[str, Any]:
        answer = await join(self.client, email=address)
        await self.mailboxes.deliver()
        assert answer.status_code == 201
        return dict(answer.json())

    async def leave(self, joined: dict[str, Any]) -> None:
        gone = await self.client.delete("/participants/me", headers=bearer(joined["token"]))
        assert gone.status_code == 200

    async def change(self, joined: dict[str, Any], address: str) -> str:
        answer = await self.client.patch("/me", json={"email": address}, headers=bearer(joined["token"]))
        await self.mailboxes.deliver()
        assert answer.status_code == 200
        return str(answer.json()["sign_in_id"])

    async def sign_in(self, address: str) -> str:
        id_ = await ask_for_code(self.client, address)
        await self.mailboxes.deliver()
        return id_

    async def verified(self, address: str) -> dict[str, Any]:
        """Somebody who reads this mailbox joins, and verifies it."""
        joined = await self.join(address)
        given = await self.give(joined["participant_id"], self.mailboxes.codes[address][-1])
        return dict(given.json())

    async def give(self, sign_in_id: str, code: str) -> httpx.Response:
        return await confirm(self.client, sign_in_id, code)


async def nobody(_: Stage) -> None:
    """No stranger."""


async def joins_and_leaves(stage: Stage) -> None:
    for _ in range(4):
        await stage.leave(await stage.join(VICTIM))


async def changes_to_it(stage: Stage) -> None:
    for number in range(4):
        await stage.change(await stage.join(f"stranger-{number}@example.org"), VICTIM)


async def uses_other_spellings(stage: Stage) -> None:
    for number in range(8):
        stranger = await stage.join(f"stranger-{number}@example.org")
        await stage.change(stranger, f"victim+{number}@example.org")
    await stage.leave(await stage.join("Victim@example.org"))


async def is_merged_away(stage: Stage) -> None:
    double, stays = await stage.join(VICTIM), await stage.join("stranger@example.org")
    answer = await merge(stage.client, double["participant_id"], stays["participant_id"])
    assert answer.status_code == 200


async def never_comes_back(stage: Stage) -> None:
    await stage.join(VICTIM)
    participants = ParticipantStore(stage.database)
    leaving = Leaving(stage.database, participants, RegistrationStore(stage.database))
    [contact] = await stage.database["contacts"].find({}).to_list(None)
    assert await leaving.delete_newcomer(contact["_id"])


async def was_the_victim_before(stage: Stage) -> None:
    before = await stage.verified(VICTIM)
    await stage.sign_in(VICTIM)
    await stage.leave(before)


Stranger = Callable[[Stage], Awaitable[None]]
STRANGERS: tuple[Stranger, ...] = (
    nobody,
    joins_and_leaves,
    changes_to_it,
    uses_other_spellings,
    is_merged_away,
    never_comes_back,
    was_the_victim_before,
)


@pytest.mark.parametrize("stranger", STRANGERS)
async def test_whoever_joins_has_a_good_code_in_the_mailbox(mongo: str, stranger: Stranger) -> None:
    async with service(mongo, hold_minutes=30) as ([client], database):
        await put(client, "street", activity("one", 10))
        stage = Stage(client, database)
        await stranger(stage)
        held = (await ask(client, "one", participant=newcomer(email=VICTIM))).json()
        await stage.mailboxes.deliver()
        code = stage.mailboxes.codes[VICTIM][-1]
        # Also if somebody asks for one more.
        await stage.sign_in(VICTIM)
        answer = await stage.give(held["participant_id"], code)
        assert (answer.status_code, answer.json()["participant_id"]) == (200, held["participant_id"])
        # One mail is enough for all that; only who has used a code gets another one.
        assert len(stage.mailboxes.codes[VICTIM]) <= 3
        # A used code is good for nothing, also for a later sign-in.
        later = await stage.sign_in(VICTIM)
        assert code_of(await stage.give(later, code)) == (403, "code_wrong")
        assert (await stage.give(later, stage.mailboxes.codes[VICTIM][-1])).status_code == 200


async def test_a_stranger_on_the_first_sign_in_does_not_keep_the_victim_out(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        stage = Stage(client, database)
        victim = await stage.join(VICTIM)
        # The id of a first sign-in is that of its participant, which others may know.
        for _ in range(6):
            await stage.give(victim["participant_id"], "0000-0000")
        assert code_of(await stage.give(victim["participant_id"], "0000-0000"))[0] == 403
        code = stage.mailboxes.codes[VICTIM][-1]
        answer = await stage.give(await stage.sign_in(VICTIM), code)
        assert (answer.status_code, answer.json()["participant_id"]) == (200, victim["participant_id"])


@pytest.mark.parametrize("mine", ["victim+x@example.org", "Victim@example.org", "VICTIM@example.org"])
async def test_whoever_reads_a_mailbox_that_looks_like_it_gets_no_code(mongo: str, mine: str) -> None:
    async with service(mongo) as ([client], database):
        stage = Stage(client, database)
        # At a server that tells them apart, `mine` is somebody else's mailbox.
        me = await stage.join(mine)
        await stage.sign_in(mine)
        await stage.leave(me)
        await stage.change(await stage.join("other@example.org"), mine)
        assert mine not in stage.mailboxes.codes
        assert mine not in stage.mailboxes.refused
        # What was mailed to the plain spelling meanwhile is good for its reader.
        victim = await stage.join(VICTIM)
        given = await stage.give(victim["participant_id"], stage.mailboxes.codes[VICTIM][-1])
        assert (given.status_code, given.json()["participant_id"]) == (200, victim["participant_id"])
        await stage.sign_in(mine)
        assert mine not in stage.mailboxes.codes


async def test_after_somebody_has_left_none_of_the_codes_before_is_good(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        stage = Stage(client, database)
        # Used, and of the round after it, which nobody has used.
        before = await stage.verified(VICTIM)
        await stage.sign_in(VICTIM)
        await stage.leave(before)
        old = list(stage.mailboxes.codes[VICTIM])
        assert len(old) == 2
        anew = await stage.join(VICTIM)
        for code in old:
            assert code_of(await stage.give(anew["participant_id"], code)) == (403, "code_wrong")
        assert (
            await stage.give(anew["participant_id"], stage.mailboxes.codes[VICTIM][-1])
        ).status_code == 200
        [kept] = await database["contacts"].find({}).to_list(None)
        assert kept["round"] == 4


async def test_a_free_contact_is_a_round_and_nobodys(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        stage = Stage(client, database)
        await stage.leave(await stage.verified(VICTIM))
        [free] = await database["contacts"].find({}).to_list(None)
        assert free.keys() == {"_id", "round", "freed_at", "left_at"}
        assert free["round"] == 3
        # It is nobody's, so no code is asked for; and who joins has not proved it by what others have used.
        await stage.sign_in(VICTIM)
        double, stays = await stage.join(VICTIM), await stage.join("stranger@example.org")
        merged = await merge(client, double["participant_id"], stays["participant_id"])
        assert merged.status_code == 200
        [free] = await database["contacts"].find({"freed_at": {"$exists": True}}).to_list(None)
        assert free["round"] == 3


async def test_a_code_names_its_address_so_that_no_later_contact_gets_it(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        stage = Stage(client, database)
        me = await stage.join(VICTIM)
        # The mail of this one waits, such as at a server that lists strangers grey.
        await ask_for_code(client, VICTIM)
        await client.patch("/me", json={"email": "mine@example.org"}, headers=bearer(me["token"]))
        await stage.mailboxes.deliver()
        assert stage.mailboxes.codes.keys() == {VICTIM, "mine@example.org"}
        mine = stage.mailboxes.codes["mine@example.org"]
        assert not set(mine) & set(stage.mailboxes.codes[VICTIM])


SPELLINGS = {
    "victim@example.org": ("victim@example.org", "Victim@example.org", "victim+{}@example.org"),
    "victim@gmail.com": ("vic.tim@gmail.com", "v.i.c.t.i.m+{}@googlemail.com", "VICTIM@gmail.com"),
}


@pytest.mark.parametrize("owner", SPELLINGS)
@pytest.mark.parametrize("first", [0, 1, 2])
async def test_strangers_send_a_mailbox_one_mail_an_hour_however_they_ask(
    mongo: str, owner: str, first: int
) -> None:
    async with service(mongo) as ([client], database):
        stage = Stage(client, database)
        spellings = [one.format(first) for one in SPELLINGS[owner]]
        for spelling in (spellings[first:] + spellings[:first]) * 2:
            await stage.leave(await stage.join(spelling))
            other = await stage.join(f"other-{len(stage.mailboxes.refused)}@example.org")
            await stage.change(other, spelling)
            await stage.sign_in(spelling)
        mails = {to: len(codes) for to, codes in stage.mailboxes.codes.items() if not to.startswith("other")}
        assert mails == {owner: 1}
        # And it is good for whoever reads the mailbox, with the spelling that they like.
        mine = await stage.join(spellings[2])
        given = await stage.give(mine["participant_id"], stage.mailboxes.codes[owner][-1])
        assert given.status_code == 200
        own = (await client.get("/me", headers=bearer(given.json()["token"]))).json()
        assert (own["email"], own["verified"]) == (spellings[2], True)


async def test_a_strangers_spelling_of_an_address_does_not_decide_where_its_owners_codes_go(
    mongo: str,
) -> None:
    async with service(mongo, hold_minutes=30) as ([client], database):
        stage = Stage(client, database)
        # At many servers there is no such mailbox, and nobody reads this code.
        strange = await stage.join("victim+x@example.org")
        assert code_of(await join(client, email=VICTIM)) == (409, "contact_known")
        sign_in = await stage.sign_in(VICTIM)
        given = await stage.give(sign_in, stage.mailboxes.codes[VICTIM][-1])
        mine = given.json()
        assert (given.status_code, mine["participant_id"]) == (200, strange["participant_id"])
        own = (await client.get("/me", headers=bearer(mine["token"]))).json()
        assert (own["email"], own["verified"]) == (VICTIM, True)
        # From now on the proved spelling gets all codes.
        before = len(stage.mailboxes.codes[VICTIM])
        again = await stage.sign_in("victim+x@example.org")
        assert len(stage.mailboxes.codes[VICTIM]) == before + 1
        assert (await stage.give(again, stage.mailboxes.codes[VICTIM][-1])).status_code == 200


async def test_codes_go_to_a_spelling_once_it_is_proved(mongo: str) -> None:
    async with service(mongo, hold_minutes=30) as ([client], database):
        stage = Stage(client, database)
        joined = await stage.join("victim+week@example.org")
        code = stage.mailboxes.codes[VICTIM][-1]
        assert (await stage.give(joined["participant_id"], code)).status_code == 200
        # Somebody else's mailbox, at a server that tells them apart.
        sign_in = await stage.sign_in(VICTIM)
        assert stage.mailboxes.codes[VICTIM] == [code]
        assert code_of(await stage.give(sign_in, code)) == (403, "code_wrong")
        [good] = stage.mailboxes.codes["victim+week@example.org"]
        assert (await stage.give(sign_in, good)).status_code == 200
