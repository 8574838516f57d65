"""Processes that die between any two steps, and several at once: one draw, its awards, each told once."""

import asyncio
from collections import Counter
from functools import partial
from hashlib import sha256
from typing import Any, TypeVar

import pytest

from services.awards.draws.freeze import Freezer
from services.awards.draws.hold import Draws
from services.awards.draws.rules import SeedInput
from services.awards.draws.settle import Settler
from services.awards.draws.store import DrawStore, Kept
from services.awards.draws.tied import TiedReader
from services.awards.issued.rules import ERASED_REASON
from services.awards.issued.store import AwardStore
from services.awards.issuing.issue import Issuer
from services.awards.issuing.outdated import Outdated
from services.awards.known.store import KnownStore
from services.awards.schemes.store import SchemeStore
from shared.contracts.events import AwardDrawn, AwardIssued, AwardRevoked, DrawAnnounced
from shared.runtime.errors import Conflict, KepuError
from shared.storage.mongo import Database
from shared.storage.outbox import waiting
from shared.storage.unit_of_work import UnitOfWork
from tests.awards.builders import AWARD_KEY
from tests.awards.draws.builders import LONG_AGO, REVEALED, WITNESS, DrawParts, draw, ids, new_draws
from tests.awards.following.test_crashes import DiedError, Life, Mortal
from tests.awards.parts import Parts
from tests.support.service import in_outbox, new_id

pytestmark = pytest.mark.stack
T = TypeVar("T")
NAMED = dict.fromkeys(ids(10), 1)
TOPICS = (DrawAnnounced.topic, AwardDrawn.topic, AwardIssued.topic, AwardRevoked.topic)


def mortal_copy(of: DrawParts, life: Life) -> tuple[Draws, Settler]:
    """The acts and the background of a process that dies at a step."""

    def mortal(store: T) -> T:
        return Mortal(store, life)  # type: ignore[return-value]

    parts = of.parts
    store: DrawStore = mortal(of.store)
    known: KnownStore = mortal(parts.known)
    schemes: SchemeStore = mortal(parts.schemes)
    awards: AwardStore = mortal(parts.awards)
    issuer = Issuer(awards, schemes, known, parts.changes, key=AWARD_KEY.encode())
    tied = TiedReader(schemes, parts.results, Outdated(parts.results, parts.decisions, parts.changes))
    freezer = Freezer(store, known, parts.results, parts.decisions, awards, tied, piece_entrants_max=4)
    return Draws(store, schemes, known), Settler(store, freezer, schemes, awards, known, issuer)


async def told(database: Database) -> Counter[str]:
    """How many events of each topic wait to be published."""
    return Counter({topic: len(await in_outbox(database, topic)) for topic in TOPICS})


async def test_a_process_that_dies_between_any_two_steps_leaves_one_draw_and_its_awards(mongo: str) -> None:
    async with new_draws(mongo, piece_entrants_max=4) as [at]:
        for dies_at in range(1, 200):
            before = await told(at.parts.database)
            died = await played(at, dies_at)
            more = await told(at.parts.database)
            more.subtract(before)
            # Three win; the first is moved away, a reserve gets the place, and then the draw is replaced.
            assert more == {
                DrawAnnounced.topic: 1,
                AwardDrawn.topic: 3,
                AwardIssued.topic: 4,
                AwardRevoked.topic: 4,
            }, dies_at
            if not died:
                assert dies_at > 15
                return


async def played(at: DrawParts, dies_at: int) -> bool:
    """A draw of which each process dies at this step; True if one of them did."""
    of = draw(new_id("lucky"), sources=[fresh_witness(secret := new_id("secret").replace("-", "") * 2)])
    draw_id = of.draw_id
    await at.put(of, NAMED)
    died = False

    async def work(_: Draws, settler: Settler) -> None:
        while pending := await at.store.pending("", 10):
            for one in pending:
                await settler.go_on(one)

    async def alive_or_dead(act: Any) -> None:
        nonlocal died
        try:
            await act(*mortal_copy(at, Life(dies_at)))
        except DiedError:
            died = True
            await act(*mortal_copy(at, Life(0)))

    await alive_or_dead(lambda draws, _: draws.freeze(draw_id))
    await alive_or_dead(work)
    await alive_or_dead(lambda draws, _: draws.hold(draw_id, [SeedInput(secret=secret)]))
    await alive_or_dead(work)
    drawing = await at.store.drawing(draw_id, 1)
    assert drawing is not None
    assert set(await at.held(of.scheme_id)) == set(drawing.drawn[:3]), dies_at
    await alive_or_dead(lambda draws, _: draws.move(draw_id, drawing.drawn[0], "工作人员"))
    await alive_or_dead(work)
    assert set(await at.held(of.scheme_id)) == set(drawing.drawn[1:4]), dies_at
    await alive_or_dead(lambda draws, _: draws.again(draw_id, 1, "名单有误"))
    await alive_or_dead(work)
    assert await at.held(of.scheme_id) == {}, dies_at
    return died


def fresh_witness(secret: str) -> dict[str, str]:
    return WITNESS | {"sha256": sha256(secret.encode()).hexdigest()}


async def test_two_copies_that_draw_at_once_hold_one_draw(mongo: str) -> None:
    inputs = [SeedInput(numbers=(1,)), SeedInput(numbers=(2,))]
    async with new_draws(mongo, copies=2) as [one, two]:
        for same in (True, False):
            public = {"type": "public", "description": "福彩", "expected_at": "2099-01-01T00:00:00Z"}
            of = draw(new_id("lucky"), sources=[public])
            await one.announced(of, NAMED)
            past = {"$set": {"sources.0.expected_at": LONG_AGO}}
            await one.parts.database["drawings"].update_one({"draw_id": of.draw_id}, past)
            before = await told(one.parts.database)
            found = await asyncio.gather(
                one.draws.hold(of.draw_id, [inputs[0]]),
                two.draws.hold(of.draw_id, [inputs[0 if same else 1]]),
                return_exceptions=True,
            )
            held = [drawing for drawing in found if not isinstance(drawing, BaseException)]
            refused = [error for error in found if isinstance(error, KepuError)]
            assert len(held) == (2 if same else 1)
            assert [error.code for error in refused] == ([] if same else ["draw_held"])
            assert await one.store.drawing(of.draw_id, 1) == held[0] == held[-1]
            # Both give the awards at the same time.
            await asyncio.gather(one.work(), two.work())
            assert set(await one.held(of.scheme_id)) == set(held[0].drawn[:3])
            more = await told(one.parts.database)
            more.subtract(before)
            assert (more[AwardDrawn.topic], more[AwardIssued.topic]) == (1, 3)


async def test_two_copies_that_make_a_list_at_once_announce_one(mongo: str) -> None:
    async with new_draws(mongo, copies=2, piece_entrants_max=3) as [one, two]:
        of = await one.put(draw("lucky"), NAMED)
        await asyncio.gather(one.draws.freeze(of.draw_id), two.draws.freeze(of.draw_id))
        await asyncio.gather(one.work(), two.work())
        drawing = await one.store.drawing(of.draw_id, 1)
        assert drawing is not None
        text = await one.text(drawing)
        assert text == "".join(f"{entrant} 1\n" for entrant in ids(10))
        assert drawing.list_sha256 == sha256(text.encode()).hexdigest()
        assert (await told(one.parts.database))[DrawAnnounced.topic] == 1


class SlowStore(DrawStore):
    """Something else happens once, after the awards of a draw are planned and before they are saved."""

    meanwhile: Any = None

    async def lock(self, before: Kept, unit: UnitOfWork) -> bool:
        if (now := self.meanwhile) is not None:
            self.meanwhile = None
            await now()
        return await super().lock(before, unit)


async def test_a_process_that_was_held_up_gives_no_award_of_a_replaced_drawing(mongo: str) -> None:
    async with new_draws(mongo) as [at]:
        drawing = await at.announced(draw("lucky"), NAMED)
        await at.draws.hold(drawing.draw_id, REVEALED)
        slow = DrawParts(Parts(at.parts.database))
        store = SlowStore(at.parts.database)
        slow.settler._draws = store

        async def replaced() -> None:
            await at.draws.again(drawing.draw_id, 1, "名单有误")
            await at.work()

        store.meanwhile = replaced
        await slow.settler.go_on(drawing.draw_id)
        await at.work()
        assert await at.held("lucky") == {}


async def test_whoever_is_erased_while_awards_are_taken_back_is_written_about_no_more(mongo: str) -> None:
    async with new_draws(mongo) as [at]:
        drawing = await at.announced(draw("lucky"), NAMED)
        held = await at.draws.hold(drawing.draw_id, REVEALED)
        await at.work()
        await at.draws.move(drawing.draw_id, gone := held.drawn[0], "王小明的亲属")
        slow = DrawParts(Parts(at.parts.database))
        store = SlowStore(at.parts.database)
        slow.settler._draws = store
        store.meanwhile = partial(at.erase, gone)
        await slow.settler.go_on(drawing.draw_id)
        [award] = [one for one in await at.awards("lucky") if one.recipient_id == gone]
        assert (award.is_valid, award.reason) == (False, ERASED_REASON)
        told_of = b"".join(value or b"" for _, _, value, _ in await waiting(at.parts.database))
        assert "王小明" not in told_of.decode()


async def test_whoever_names_entrants_while_the_list_is_made_is_refused_or_in_the_list(mongo: str) -> None:
    async with new_draws(mongo, copies=2, piece_entrants_max=2) as [one, two]:
        of = await one.put(draw("lucky"), NAMED)
        await one.parts.known.add_participants(["a-late-one"])
        named = asyncio.create_task(two.draws.name(of.draw_id, {"a-late-one": 1}))
        drawing = await one.freeze(of.draw_id)
        try:
            await named
            is_named = True
        except Conflict:
            is_named = False
        assert ("a-late-one 1\n" in await one.text(drawing)) == is_named
