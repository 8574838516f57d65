"""What organisers do with a draw: put it, name entrants, fix the list, draw, move reserves up, draw again."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from msgspec.structs import replace

from services.awards.draws import events, metrics
from services.awards.draws.freeze import ENTRANTS_MAX
from services.awards.draws.lottery import draw as drawn_by
from services.awards.draws.lottery import read_list
from services.awards.draws.rules import (
    Draw,
    Drawing,
    Earned,
    Move,
    Named,
    SeedInput,
    Tied,
    check_ahead,
    check_draws_lots,
    check_moves,
    check_scheme,
    expected,
    seed_of,
)
from services.awards.draws.store import DRAWINGS_MAX, DrawStore, Kept, check_draft
from services.awards.known.rules import check_quiz
from services.awards.known.store import KnownStore
from services.awards.known.wait import KNOWN_WAIT_SECONDS, wait_until_known
from services.awards.schemes.store import SchemeStore
from shared.contracts.origin import Origin
from shared.runtime import clock
from shared.runtime.errors import Conflict, NotFound, Rejected, Unavailable
from shared.runtime.versions import Matching, always
from shared.storage.unit_of_work import UnitOfWork, save_together


class Draws:
    """The acts of organisers."""

    def __init__(self, draws: DrawStore, schemes: SchemeStore, known: KnownStore) -> None:
        self._draws = draws
        self._schemes = schemes
        self._known = known

    async def put(self, draw: Draw, matches: Matching = always) -> Kept:
        """
        Store a draft, new or changed.

        Raises:
            NotFound: there is no such scheme or quiz.
            Rejected: the scheme's awards are not drawn, or a source may be known already.
            Conflict: see `DrawStore.put`; or a witness has handed in an old digest, or the quiz was
                cancelled.
            Outdated: somebody has changed it since it was read.
        """
        before = await self._draws.find(draw.draw_id)
        if before is not None and (before.draw == draw or before.state != "draft"):
            # It is refused, or nothing changes: also if a source is known by now.
            return await self._draws.put(draw, matches)
        check_scheme(await self._schemes.get(draw.scheme_id))
        for scheme_id in draw.winners_of:
            await self._schemes.get(scheme_id)
        if isinstance(draw.entrants, Tied):
            check_draws_lots(await self._schemes.get(draw.entrants.scheme_id))
        if isinstance(draw.entrants, Earned):
            await self._check_quiz(draw.entrants.quiz_id, KNOWN_WAIT_SECONDS)
        await self._check_sources(draw)
        return await self._draws.put(draw, matches)

    async def name(self, draw_id: str, named: Mapping[str, int]) -> int:
        """
        Name entrants; who is named already gets these chances. Returns how many are named.

        Raises:
            NotFound: there is no such draw.
            Conflict: its list is announced or being made, or has too many.
            Rejected: the draw has another rule.
        """
        kept = await self._draws.get(draw_id)
        _check_named(kept)
        if await self._draws.count_named(draw_id) + len(named) > ENTRANTS_MAX:
            raise Conflict(
                f"a list has at most {ENTRANTS_MAX} entrants", code="too_many_entrants", most=ENTRANTS_MAX
            )
        erased = await self._known.erased(named.keys())
        these = {one: chances for one, chances in named.items() if one not in erased}

        async def work(unit: UnitOfWork) -> None:
            await self._lock_draft(draw_id, unit)
            if these:
                await self._draws.name(unit, draw_id, these)

        await save_together(self._draws.database, work)
        return await self._draws.count_named(draw_id)

    async def unname(self, draw_id: str) -> None:
        """
        Name nobody any more.

        Raises:
            NotFound, Conflict, Rejected: as in `name`.
        """

        async def work(unit: UnitOfWork) -> None:
            await self._lock_draft(draw_id, unit)
            await self._draws.unname(unit, draw_id)

        await save_together(self._draws.database, work)

    async def _lock_draft(self, draw_id: str, unit: UnitOfWork) -> None:
        """The list is made before or after what this transaction changes, never between."""
        _check_named(kept := await self._draws.get(draw_id, unit))
        if not await self._draws.lock(kept, unit):
            raise _changing(draw_id)

    async def freeze(self, draw_id: str) -> Kept:
        """
        Let the list of entrants be made and announced; a repeat changes nothing.

        Raises:
            NotFound: there is no such draw, scheme or quiz.
            Rejected: a source may be known already.
            Conflict: the quiz was cancelled, or the draw was announced too often.
            Unavailable: the awards of the drawing before are still being taken back.
        """
        kept = await self._draws.get(draw_id)
        if kept.state != "draft":
            return kept
        if kept.work:
            raise Unavailable("the awards of the drawing before are still being taken back; try again")
        if kept.number > DRAWINGS_MAX:
            raise Conflict(
                f"a draw is announced at most {DRAWINGS_MAX} times",
                code="too_many_drawings",
                most=DRAWINGS_MAX,
            )
        if isinstance(kept.draw.entrants, Earned):
            await self._check_quiz(kept.draw.entrants.quiz_id, 0)
        await self._check_sources(kept.draw)
        # From now on the scheme stays.
        scheme = await self._schemes.get(kept.draw.scheme_id)
        check_scheme(scheme)
        if not await self._schemes.use(scheme):
            raise Unavailable(f"scheme {scheme.scheme_id} changed meanwhile; try again")
        await self._draws.step(
            kept,
            state="freezing",
            list_id=f"{draw_id}.{kept.number}.{kept.turn}",
            asked_at=clock.now(),
            failed=None,
            work=True,
        )
        return await self._draws.get(draw_id)

    async def hold(self, draw_id: str, given: Sequence[SeedInput]) -> Drawing:
        """
        Draw the winners; a repeat with the same inputs changes nothing.

        Raises:
            NotFound: there is no such draw.
            Conflict: its list is not announced, a source is not drawn yet, or other inputs were given before.
            Rejected: the inputs are not those of the sources.
        """
        kept, drawing = await self._current(draw_id)
        now = clock.now()
        seed = seed_of(drawing, given, now)
        if drawing.seed is None:
            after = await self._drawn(drawing, seed, now)
            origin = Origin.of_request()

            async def work(unit: UnitOfWork) -> bool:
                if not await self._draws.step(kept, unit=unit, state="held", work=True):
                    return False
                await self._draws.change_drawing(unit, after)
                unit.publish(events.held(after, origin))
                return True

            if await save_together(self._draws.database, work):
                metrics.count("held")
                return after
            # Somebody else has drawn at the same moment.
            _, drawing = await self._current(draw_id)
        if drawing.seed != seed:
            raise Conflict(
                f"draw {draw_id} was held with other inputs, which stay; to draw again, give a reason",
                code="draw_held",
            )
        return drawing

    async def _drawn(self, drawing: Drawing, seed: str, now: datetime) -> Drawing:
        text = "".join([piece async for piece in self._draws.texts(drawing.list_id)])
        count = sum(places for _, places in drawing.prizes) + drawing.reserves
        # In a thread: it may take some tenths of a second.
        drawn = await asyncio.to_thread(lambda: drawn_by(read_list(text), drawing.list_sha256, seed, count))
        erased = await self._known.erased(drawn)
        return replace(
            drawing,
            version=drawing.version + 1,
            seed=seed,
            drawn=tuple(drawn),
            moved=tuple(Move(one, "erased", now) for one in drawn if one in erased),
            held_at=now,
            changed_at=now,
        )

    async def move(self, draw_id: str, entrant_id: str, reason: str) -> Drawing:
        """
        Let somebody who was drawn get no prize: the next reserve moves up. A repeat changes nothing.

        Raises:
            NotFound: there is no such draw.
            Conflict: no winners are drawn yet, or this person is erased at this moment.
            Rejected: this person was not drawn.
        """
        now, origin = clock.now(), Origin.of_request()
        erased = bool(await self._known.erased([entrant_id]))
        why = Move(entrant_id, "erased", now) if erased else Move(entrant_id, "not_entitled", now, reason)

        async def work(unit: UnitOfWork) -> tuple[Drawing, bool]:
            kept, drawing = await self._current(draw_id, unit)
            if drawing.seed is None:
                raise Conflict(f"no winners of draw {draw_id} are drawn yet", code="draw_not_held")
            if not check_moves(drawing, entrant_id):
                return drawing, False
            if not erased and await self._known.has_participant(entrant_id):
                # An erasure at this moment comes first, or waits and then removes the reason.
                await self._known.lock_recipient(unit, entrant_id)
            after = replace(drawing, version=drawing.version + 1, moved=(*drawing.moved, why), changed_at=now)
            await self._save(unit, kept, after, work=True)
            unit.publish(events.held(after, origin))
            return after, True

        drawing, is_new = await save_together(self._draws.database, work)
        if is_new:
            metrics.count("moved")
        return drawing

    async def again(self, draw_id: str, number: int, reason: str) -> Kept:
        """
        Let the draw be held again: what was announced and drawn stays visible, and nobody holds a prize by
        it.

        Args:
            number: of the drawing that is replaced. So a repeat changes nothing.

        Raises:
            NotFound: there is no such draw, or no such drawing.
            Conflict: its list is not announced.
        """
        now, origin = clock.now(), Origin.of_request()

        async def work(unit: UnitOfWork) -> bool:
            kept = await self._draws.get(draw_id, unit)
            drawing = await self._draws.drawing(draw_id, number, unit)
            if drawing is None:
                raise _not_announced(draw_id)
            if drawing.replaced_because is not None:
                return False
            after = replace(drawing, version=drawing.version + 1, replaced_because=reason, changed_at=now)
            # The awards of this drawing are taken back.
            await self._save(unit, kept, after, state="draft", number=number + 1, work=True)
            told = events.announced if drawing.seed is None else events.held
            unit.publish(told(after, origin))
            return True

        if await save_together(self._draws.database, work):
            metrics.count("replaced")
        return await self._draws.get(draw_id)

    async def _save(self, unit: UnitOfWork, kept: Kept, after: Drawing, **change: Any) -> None:
        if not await self._draws.step(kept, unit=unit, **change):
            raise _changing(kept.draw.draw_id)
        await self._draws.change_drawing(unit, after)

    async def _current(self, draw_id: str, unit: UnitOfWork | None = None) -> tuple[Kept, Drawing]:
        """The draw, and what is announced of it."""
        kept = await self._draws.get(draw_id, unit)
        drawing = await self._draws.drawing(draw_id, kept.number, unit)
        if drawing is None:
            raise _not_announced(draw_id)
        return kept, drawing

    async def _check_quiz(self, quiz_id: str, wait_seconds: float) -> None:
        is_known = await wait_until_known(partial(self._known.has_quiz, quiz_id), wait_seconds)
        check_quiz(quiz_id, known=is_known, cancelled=bool(await self._known.cancelled([quiz_id])))

    async def _check_sources(self, draw: Draw) -> None:
        check_ahead(expected(draw), clock.now())
        if await self._draws.committed(draw.commitments):
            raise Conflict(
                "a witness has handed in the SHA-256 of an earlier draw; ask for a new secret",
                code="commitment_used",
            )


def _check_named(kept: Kept) -> None:
    check_draft(kept)
    if not isinstance(kept.draw.entrants, Named):
        raise Rejected(
            f"the entrants of draw {kept.draw.draw_id} follow from a quiz; nobody names them",
            code="entrants_not_named",
        )


def _not_announced(draw_id: str) -> NotFound:
    return NotFound(f"draw {draw_id} is not announced yet", code="draw_not_announced")


def _changing(draw_id: str) -> Unavailable:
    return Unavailable(f"draw {draw_id} is changed by others at this moment; try again")
