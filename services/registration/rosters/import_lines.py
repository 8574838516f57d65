"""
A confirmed file is imported in the background, a slice of its lines in each transaction.

A piece of the file is deleted together with what its lines did. So what is there is what is left: after a
kill another process goes on with the next piece, and each line is imported once. Whoever reads the import
sees how far it is (docs/decisions/0042-items-of-background-work.md).

Groups take turns, and a group's files follow each other.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

import msgspec
from msgspec.structs import replace

from services.registration.participants.rules import Group
from services.registration.participants.store import GroupStore, ParticipantStore
from services.registration.rosters.admit import MemberAdmission
from services.registration.rosters.enrol import Enrolment
from services.registration.rosters.rules import (
    IMPORT_KEPT,
    MEMBERS_MAX,
    TO_BE_IMPORTED,
    Import,
    Line,
    LineFault,
    compare,
    fingerprint_of,
    with_faults,
)
from services.registration.rosters.store import ImportStore, RosterStore
from shared.contracts.origin import UNKNOWN_ORIGIN
from shared.contracts.sealing import decrypt_words
from shared.runtime import clock
from shared.runtime.backlog import Backlog
from shared.storage.mongo import Database
from shared.storage.unit_of_work import UnitOfWork, save_together

# A slice takes some 100 ms. If somebody else holds the group for longer (a killed worker, until the server
# ends its transaction), the other groups go on, and this one is tried again.
SLICE_CONTENDED_SECONDS_MAX = 1.0
SLICE_SECONDS_MAX = 5.0

_piece = msgspec.json.Decoder(list[Line])


class RosterImports:
    """Imports confirmed files."""

    def __init__(
        self,
        database: Database,
        members: RosterStore,
        imports: ImportStore,
        groups: GroupStore,
        participants: ParticipantStore,
        admission: MemberAdmission,
    ) -> None:
        self._database = database
        self._members = members
        self._imports = imports
        self._groups = groups
        self._participants = participants
        self._admission = admission
        self._enrolment = Enrolment(members, participants, admission)
        self.loop = Backlog("importing", imports.groups, self.go_on, item_seconds_max=SLICE_SECONDS_MAX).loop

    async def go_on(self, group_id: str) -> bool:
        """
        Import the next slice of the first file of a group.

        Returns: whether something may be left.
        Raises:
            Contended: somebody else holds the group.
        """
        import_id = await self._imports.next_of(group_id)
        if import_id is None:
            return False

        async def work(unit: UnitOfWork) -> None:
            found = await self._imports.lock(unit, import_id)
            if found is not None and found.status in TO_BE_IMPORTED:
                await self._go_on(unit, found, clock.now())

        await save_together(self._database, work, contended_seconds_max=SLICE_CONTENDED_SECONDS_MAX)
        return True

    async def _go_on(self, unit: UnitOfWork, found: Import, now: datetime) -> None:
        group_id = found.group_id
        # The group is locked: imports and forms of the same group follow each other.
        await self._participants.lock(unit, [group_id])
        group = await self._groups.read_in(unit, group_id)
        key = (await self._participants.keys(unit, [group_id])).get(group_id)
        if group is None or key is None:
            await self._end(unit, replace(found, status="failed", code="group_unknown"), now)
            return
        if found.status == "confirmed":
            if code := await self._refusal(unit, found, key):
                await self._end(unit, replace(found, status="failed", code=code), now)
                return
            found = replace(found, status="importing", added=0, changed=0)
        pieces = await self._imports.pieces(unit, found.import_id, 2)
        if pieces:
            id_, encrypted = pieces[0]
            found = await self._import(
                unit, group, found, await asyncio.to_thread(_lines, [encrypted], key), now
            )
            await self._imports.remove_piece(unit, id_)
        if len(pieces) > 1:
            await self._imports.save(unit, found)
        else:
            await self._end(unit, replace(found, status="imported"), now)

    async def _refusal(self, unit: UnitOfWork, found: Import, key: bytes) -> str | None:
        """
        Why the file as a whole is not what was previewed any more.

        Another preview names the lines. Nothing is imported, since the manager has confirmed something else.
        """
        pieces = await self._imports.pieces(unit, found.import_id)
        lines = await asyncio.to_thread(_lines, [encrypted for _, encrypted in pieces], key)
        added, changed, _ = await self._compare(unit, found.group_id, lines)
        if await self._members.count(found.group_id, unit) + len(added) > MEMBERS_MAX:
            return "roster_full"
        return (
            "member_email_known" if await self._misaddressed(unit, found, lines, [*added, *changed]) else None
        )

    async def _import(
        self, unit: UnitOfWork, group: Group, found: Import, lines: Mapping[str, Line], now: datetime
    ) -> Import:
        """Import these lines. What has become wrong since the import began is left out, and named."""
        added, changed, same = await self._compare(unit, found.group_id, lines)
        left = await self._enrolment.left(unit, found.group_id, {one: lines[one].details for one in added})
        wrong = await self._misaddressed(unit, found, lines, [*added, *changed]) - left
        added = [one for one in added if one not in wrong | left]
        changed = [one for one in changed if one not in wrong]
        room = max(0, MEMBERS_MAX - await self._members.count(found.group_id, unit)) if added else 0
        faults = [LineFault(lines[one].number, found.email_heading, "email_of_another") for one in wrong]
        faults += [LineFault(lines[one].number, None, "member_left") for one in left]
        faults += [
            LineFault(lines[one].number, None, "no_room", {"most": MEMBERS_MAX}) for one in added[room:]
        ]
        new = {one: lines[one].details for one in added[:room]}
        await self._enrolment.enrol(unit, group, new, UNKNOWN_ORIGIN, now)
        members = await self._members.by_identity(unit, found.group_id, changed)
        changes = [(member, one, lines[one].details) for one, member in members.items()]
        await self._enrolment.change(unit, group, changes, now)
        counted = replace(
            found,
            added=found.added + len(new),
            changed=found.changed + len(changed),
            # Lines that were the same at the preview are not among the pieces.
            unchanged=found.unchanged + len(same),
        )
        return with_faults(counted, faults)

    async def _compare(
        self, unit: UnitOfWork, group_id: str, lines: Mapping[str, Line]
    ) -> tuple[list[str], list[str], list[str]]:
        known = await self._members.fingerprints(group_id, lines.keys(), unit)
        said = {one: fingerprint_of(line.details, self._admission.hash) for one, line in lines.items()}
        return compare(said, known)

    async def _misaddressed(
        self, unit: UnitOfWork, found: Import, lines: Mapping[str, Line], identities: Collection[str]
    ) -> set[str]:
        said = {one: lines[one].details for one in identities}
        return await self._enrolment.misaddressed(unit, found.group_id, said)

    async def _end(self, unit: UnitOfWork, ended: Import, now: datetime) -> None:
        await self._imports.save(unit, replace(ended, expires_at=now + IMPORT_KEPT))
        await self._imports.remove_lines(unit, ended.import_id)


def _lines(pieces: Sequence[str], key: bytes) -> dict[str, Line]:
    return {one.identity: one for encrypted in pieces for one in _piece.decode(decrypt_words(encrypted, key))}
