"""Objecting, and deciding objections: the use cases of the routes `…/objections` of all public notices."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TypeAlias

from msgspec.structs import replace

from services.awards.known.rules import check_recipient
from services.awards.known.store import KnownStore
from services.awards.known.wait import KNOWN_WAIT_SECONDS, wait_for_recipients
from services.awards.objections import events
from services.awards.objections.rules import (
    Objection,
    Outcome,
    Subject,
    check_few,
    decided,
    new_objection,
    objection_unknown,
)
from services.awards.objections.store import ObjectionStore
from shared.contracts.origin import Origin
from shared.runtime import clock
from shared.storage.unit_of_work import UnitOfWork, save_together

Open: TypeAlias = Callable[[UnitOfWork, datetime], Awaitable[None]]
"""
Checks that the notice runs and names the recipient, and writes the notice.

Because of this write two requests about one notice at the same moment follow each other.
"""
Close: TypeAlias = Callable[[UnitOfWork, Objection], Awaitable[None]]
"""Does in the notice what follows from the decision."""


class Objections:
    """Takes objections, and notes what organisers decide about them."""

    def __init__(
        self, objections: ObjectionStore, known: KnownStore, *, wait_seconds: float = KNOWN_WAIT_SECONDS
    ) -> None:
        self._objections = objections
        self._known = known
        self._wait_seconds = wait_seconds

    async def make(
        self, subject: Subject, recipient_id: str, words: str, objector_id: str | None, open_in: Open
    ) -> tuple[Objection, bool]:
        """
        Object to somebody in a notice; returns the objection, and True if it is new. A repeat is the first.

        Args:
            objector_id: the participant who objects; None: an organiser.

        Raises:
            NotFound: nobody knows who objects, or see the notice.
            Conflict: there are too many objections, somebody was erased, or see the notice.
        """
        origin, now = Origin.of_request(), clock.now()
        objection = new_objection(subject, recipient_id, words, objector_id, now)
        people = {recipient_id, objector_id or recipient_id}
        await wait_for_recipients(self._known, people - {recipient_id}, self._wait_seconds)

        async def work(unit: UnitOfWork) -> tuple[Objection, bool]:
            if before := await self._objections.find(objection.objection_id, unit):
                return before, False
            await open_in(unit, now)
            # An erasure at the same moment is seen here, or finds the objection.
            erased = await self._known.lock_recipients(unit, people)
            for one in sorted(people):
                check_recipient(one, known=True, erased=one in erased)
            check_few(subject, await self._objections.of(subject, unit), objector_id)
            await self._objections.add(unit, objection)
            unit.publish(events.objected(objection, subject, recipient_id, now, origin))
            return objection, True

        return await save_together(self._objections.database, work)

    async def decide(
        self, subject: Subject, objection_id: str, outcome: Outcome, reason: str, close_in: Close
    ) -> Objection:
        """
        Decide an objection; a repeat changes nothing.

        Raises:
            NotFound: this notice has no such objection.
            Conflict: it was decided otherwise.
        """
        origin, now = Origin.of_request(), clock.now()

        async def work(unit: UnitOfWork) -> Objection:
            before = await self._objections.find(objection_id, unit)
            if before is None or before.subject.owner != subject.owner:
                raise objection_unknown(objection_id)
            after = decided(before, outcome, reason, now)
            if after is before:
                return after
            await close_in(unit, after)
            gone = await self._known.erased([one for one in (after.recipient_id, after.objector_id) if one])
            # Nothing about the erased is stored or published any more.
            await self._objections.decide(unit, replace(after, reason_words=None) if gone else after)
            if after.recipient_id and after.recipient_id not in gone:
                unit.publish(events.objected(after, subject, after.recipient_id, now, origin))
            return after

        return await save_together(self._objections.database, work)
