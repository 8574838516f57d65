"""
Awards hears of names, some seconds after somebody has joined, or has changed.

Who registers does not wait for this: a loop does it, a hundred people in each transaction. `to_name` of
`participants` says of whom awards shall still hear.
"""

import time
from collections.abc import Collection

from services.registration.award_names.events import NameSealer
from services.registration.award_names.rules import named_of
from services.registration.booking.handlers import People
from services.registration.participants.store import GroupStore, ParticipantStore
from shared.contracts.origin import UNKNOWN_ORIGIN
from shared.runtime import clock
from shared.runtime.background import Loop
from shared.runtime.keyed_hash import KeyedHash
from shared.storage.mongo import Database
from shared.storage.unit_of_work import UnitOfWork, save_together

# Participants of one transaction. It writes their documents, and who acts at the same moment tries again.
NAMED_MAX = 100
# After a transaction there is a rest of this number of times its duration: half of the time is for others.
RESTS = 1
LOOK_SECONDS = 1.0
# While people wait for places in this process, names wait; but after this time a hundred are published.
NAMES_WAIT_SECONDS_MAX = 30.0
# So many looks in a row have to find nobody: in a crowd there are moments without anybody.
QUIET_LOOKS = 2


class Naming:
    """
    Publishes the names of participants for awards. Several processes may do it at once.

    Args:
        people: those who ask this process for places. They go first.
    """

    def __init__(
        self,
        database: Database,
        participants: ParticipantStore,
        groups: GroupStore,
        *,
        sealer: NameSealer,
        keyed_hash: KeyedHash,
        people: People | None = None,
    ) -> None:
        self._database = database
        self._participants = participants
        self._groups = groups
        self._sealer = sealer
        self._hash = keyed_hash
        self._people = people
        self._quiet = 0
        self._waits_since: float | None = None
        self._after = ""
        self._is_new = True
        self.loop = Loop("naming", self.turn)

    async def turn(self) -> float:
        """Publish the next hundred names; returns the seconds to rest."""
        if self._is_new:
            await self._participants.names.mark_unnamed()
            self._is_new = False
        began = time.monotonic()
        if self._must_wait(began):
            return LOOK_SECONDS
        some = await self._participants.names.unnamed(self._after, NAMED_MAX)
        # Before the work: those who fail must not be the first ones again and again.
        was_behind, self._after = bool(self._after), some[-1] if len(some) == NAMED_MAX else ""
        if not some:
            return 0.0 if was_behind else LOOK_SECONDS
        await self.name(some)
        return RESTS * (time.monotonic() - began) if self._after else LOOK_SECONDS

    def _must_wait(self, now: float) -> bool:
        """Whether people wait for places, or did a moment ago, and names have not waited for too long."""
        if self._people is None:
            return False
        self._quiet = 0 if self._people.waiting else self._quiet + 1
        if self._quiet >= QUIET_LOOKS:
            self._waits_since = None
            return False
        if self._waits_since is None:
            self._waits_since = now
        if now - self._waits_since < NAMES_WAIT_SECONDS_MAX:
            return True
        self._waits_since = None
        return False

    async def name(self, participant_ids: Collection[str]) -> int:
        """
        Publish the names of these participants, at most `NAMED_MAX`. Whom awards has heard of with the same
        content, and who is erased or unknown, is left out.

        Returns: how many are published.
        """

        async def work(unit: UnitOfWork) -> int:
            names = self._participants.names
            found = await names.to_name(unit, participant_ids)
            keys = await self._participants.keys(unit, [one.participant_id for one in found])
            choices = await names.choices(unit, keys)
            # Perhaps newer than the version that is read above: then the group is named again.
            groups = await self._groups.names([one.participant_id for one in found if one.kind == "group"])
            marks: dict[str, str] = {}
            now, published = clock.now(), 0
            for one in found:
                id_ = one.participant_id
                content = named_of(one, choices.get(id_), keys.get(id_), groups.get(id_))
                mark = marks[id_] = content.fingerprint(self._hash, self._sealer.public_key)
                if mark != one.named:
                    published += 1
                    unit.publish(self._sealer.named(one, content, mark, UNKNOWN_ORIGIN, now))
            await names.mark_named(unit, marks)
            return published

        return await save_together(self._database, work)
