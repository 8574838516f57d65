"""
A confirmed file is imported: all its lines in one transaction, in the background.

Whoever reads the roster sees it before the import or after it. If the process is killed, nothing has
happened, and another one does it; the status is saved with the members, so it happens once.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec
from msgspec.structs import replace

from services.registration.participants.rules import Group
from services.registration.participants.store import GroupStore, ParticipantStore
from services.registration.rosters.admit import Admission, Admitted
from services.registration.rosters.rules import (
    IMPORT_KEPT,
    MEMBERS_MAX,
    Details,
    Import,
    Member,
    compare,
    fingerprint_of,
)
from services.registration.rosters.store import ImportStore, RosterStore
from shared.contracts.origin import UNKNOWN_ORIGIN
from shared.contracts.sealing import unlock_words
from shared.runtime import clock
from shared.runtime.backlog import Backlog
from shared.storage.mongo import Database
from shared.storage.unit_of_work import UnitOfWork, save_together

# The largest file takes some seconds. The server ends a transaction after a minute.
IMPORT_SECONDS_MAX = 45.0

_piece = msgspec.json.Decoder(list[tuple[str, Details]])


class RosterImports:
    """Imports confirmed files."""

    def __init__(
        self,
        database: Database,
        members: RosterStore,
        imports: ImportStore,
        groups: GroupStore,
        participants: ParticipantStore,
        admission: Admission,
    ) -> None:
        self._database = database
        self._members = members
        self._imports = imports
        self._groups = groups
        self._participants = participants
        self._admission = admission
        # A few at a time: each is a large transaction.
        self.loop = Backlog("importing", imports.confirmed, self.go_on, items_max=2).loop

    async def go_on(self, import_id: str) -> None:
        """Import the lines of a confirmed file; a repeat changes nothing."""
        pieces = await self._imports.lines(import_id)

        async def work(unit: UnitOfWork) -> None:
            found = await self._imports.lock(unit, import_id)
            if found is None or found.status != "confirmed":
                return
            now = clock.now()
            await self._import(unit, found, pieces, now)

        await save_together(self._database, work, timeout_seconds=IMPORT_SECONDS_MAX)

    async def _import(self, unit: UnitOfWork, found: Import, pieces: Sequence[str], now: datetime) -> None:
        group_id = found.group_id
        # The group is locked: imports and forms of the same body follow each other.
        await self._participants.lock(unit, [group_id])
        group = await self._groups.read_in(unit, group_id)
        key = (await self._participants.keys(unit, [group_id])).get(group_id)
        if group is None or key is None:
            await self._end(unit, replace(found, status="failed", code="group_unknown"), now)
            return
        said = _said(pieces, key)
        known = await self._members.identities(group_id, unit)
        fingerprints = {one: fingerprint_of(details, self._admission.hash) for one, details in said.items()}
        added, changed, same = compare(fingerprints, known)
        if len(known) + len(added) > MEMBERS_MAX:
            await self._end(unit, replace(found, status="failed", code="roster_full"), now)
            return
        await self._add(unit, group, {one: said[one] for one in added}, now)
        await self._change(unit, group, {one: said[one] for one in changed}, now)
        # Lines that were the same at the preview are not among the pieces.
        unchanged = found.unchanged + len(same)
        await self._end(
            unit,
            replace(found, status="imported", added=len(added), changed=len(changed), unchanged=unchanged),
            now,
        )

    async def _add(self, unit: UnitOfWork, group: Group, said: Mapping[str, Details], now: datetime) -> None:
        def admit() -> list[Admitted]:
            return [
                self._admission.admit(group, identity, details, UNKNOWN_ORIGIN, now)
                for identity, details in said.items()
            ]

        # In a thread: thousands of keys take a second.
        admitted = await asyncio.to_thread(admit)
        await self._participants.add(unit, [one.participant for one in admitted])
        await self._participants.add_keys(
            unit, {one.participant.participant_id: one.key.key for one in admitted}
        )
        await self._members.add(unit, [one.member for one in admitted])
        for one in admitted:
            unit.publish(*one.events)

    async def _change(
        self, unit: UnitOfWork, group: Group, said: Mapping[str, Details], now: datetime
    ) -> None:
        members = await self._members.by_identity(unit, group.group_id, said.keys())
        await change_members(
            unit,
            group,
            [(member, identity, said[identity]) for identity, member in members.items()],
            members=self._members,
            participants=self._participants,
            admission=self._admission,
            now=now,
        )

    async def _end(self, unit: UnitOfWork, ended: Import, now: datetime) -> None:
        await self._imports.save(unit, replace(ended, expires_at=now + IMPORT_KEPT))
        await self._imports.remove_lines(unit, ended.import_id)


async def change_members(
    unit: UnitOfWork,
    group: Group,
    changes: Sequence[tuple[Member, str, Details]],
    *,
    members: RosterStore,
    participants: ParticipantStore,
    admission: Admission,
    now: datetime,
) -> None:
    """Change what a body says about some members: each with the new identity and details."""
    ids = [member.participant_id for member, _, _ in changes]
    locked = await participants.lock(unit, ids)
    keys = await participants.keys(unit, ids)
    changed: list[Member] = []
    for member, identity, details in changes:
        key = keys.get(member.participant_id)
        if key is None:
            # A database that was restored: backups have no keys. Nobody can change what nobody can open.
            continue
        changed.append(admission.change(member, identity, details, key))
        renewed, told = admission.renew(locked[member.participant_id], group, details, key, now)
        await participants.save(unit, renewed)
        unit.publish(*told)
    await members.save(unit, changed)


def _said(pieces: Sequence[str], key: bytes) -> dict[str, Details]:
    return {
        identity: details
        for locked in pieces
        for identity, details in _piece.decode(unlock_words(locked, key))
    }
