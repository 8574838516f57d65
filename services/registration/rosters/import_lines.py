"""
A confirmed file is imported: all its lines in one transaction, in the background.

Whoever reads the roster sees it before the import or after it. If the process is killed, nothing has
happened, and another one does it; the status is saved with the members, so it happens once.
"""

from collections.abc import Sequence
from datetime import datetime

import msgspec
from msgspec.structs import replace

from services.registration.participants.store import GroupStore, ParticipantStore
from services.registration.rosters.admit import MemberAdmission
from services.registration.rosters.enrol import Enrolment
from services.registration.rosters.rules import (
    IMPORT_KEPT,
    MEMBERS_MAX,
    Details,
    Import,
    compare,
    fingerprint_of,
)
from services.registration.rosters.store import ImportStore, RosterStore
from shared.contracts.origin import UNKNOWN_ORIGIN
from shared.contracts.sealing import decrypt_words
from shared.runtime import clock
from shared.runtime.backlog import Backlog
from shared.storage.mongo import Database
from shared.storage.unit_of_work import UnitOfWork, save_together

# The largest file takes a second on two cores. The server of the local stack ends a transaction after five.
# The transaction of a killed worker stays open until then, and the next worker tries again and again.
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
        admission: MemberAdmission,
    ) -> None:
        self._database = database
        self._members = members
        self._imports = imports
        self._groups = groups
        self._participants = participants
        self._admission = admission
        self._enrolment = Enrolment(members, participants, admission)
        # A few at a time: each is a large transaction.
        self.loop = Backlog("importing", imports.confirmed, self.import_file, items_max=2).loop

    async def import_file(self, import_id: str) -> None:
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
        # The group is locked: imports and forms of the same group follow each other.
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
        if await self._enrolment.misaddressed(unit, group_id, {one: said[one] for one in (*added, *changed)}):
            # An address became known after the preview. Another preview names the line.
            await self._end(unit, replace(found, status="failed", code="member_email_known"), now)
            return
        await self._enrolment.enrol(unit, group, {one: said[one] for one in added}, UNKNOWN_ORIGIN, now)
        members = await self._members.by_identity(unit, group_id, changed)
        await self._enrolment.change(
            unit, group, [(member, one, said[one]) for one, member in members.items()], now
        )
        # Lines that were the same at the preview are not among the pieces.
        unchanged = found.unchanged + len(same)
        await self._end(
            unit,
            replace(found, status="imported", added=len(added), changed=len(changed), unchanged=unchanged),
            now,
        )

    async def _end(self, unit: UnitOfWork, ended: Import, now: datetime) -> None:
        await self._imports.save(unit, replace(ended, expires_at=now + IMPORT_KEPT))
        await self._imports.remove_lines(unit, ended.import_id)


def _said(pieces: Sequence[str], key: bytes) -> dict[str, Details]:
    return {
        identity: details
        for encrypted in pieces
        for identity, details in _piece.decode(decrypt_words(encrypted, key))
    }
