"""A file is checked and compared with the roster; nothing is stored but the preview, encrypted, for a day."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

import msgspec
from msgspec.structs import replace

from services.registration.managers.limit import GroupLimit
from services.registration.participants.rules import Group
from services.registration.participants.store import GroupStore, ParticipantStore
from services.registration.rosters.admit import MemberAdmission
from services.registration.rosters.check_lines import Checked, check_lines
from services.registration.rosters.enrol import Enrolment
from services.registration.rosters.read_table import read_table
from services.registration.rosters.rules import (
    PREVIEW_KEPT,
    PREVIEWS_MAX,
    Import,
    Line,
    LineFault,
    check_confirmable,
    check_not_full,
    compare,
    fingerprint_of,
    with_faults,
)
from services.registration.rosters.store import ImportStore, RosterStore
from shared.contracts.sealing import encrypt_words
from shared.runtime import clock
from shared.runtime.errors import Conflict, NotFound, Overloaded
from shared.runtime.ids import ordered_id
from shared.storage.mongo import Database
from shared.storage.unit_of_work import UnitOfWork, save_together
from shared.web.paced import Paced

# Lines of one stored and encrypted piece. Each is imported in one transaction.
PIECE_LINES = 250
# Files of different groups that a process reads or that wait for it. One is read at a time, in a second or
# two, with a rest after it.
FILES_WAITING_MAX = 8


class Previews:
    """Previews files, and takes confirmations."""

    def __init__(
        self,
        database: Database,
        members: RosterStore,
        imports: ImportStore,
        groups: GroupStore,
        participants: ParticipantStore,
        admission: MemberAdmission,
        *,
        limit: GroupLimit,
    ) -> None:
        self._database = database
        self._members = members
        self._imports = imports
        self._groups = groups
        self._participants = participants
        self._admission = admission
        self._enrolment = Enrolment(members, participants, admission)
        self._limit = limit
        self._reading = Paced()
        # The groups and the managers whose files are read now or wait for it.
        self._waiting: dict[str, str] = {}

    async def preview(self, group_id: str, manager_id: str, content: bytes) -> Import:
        """
        Preview a file.

        Raises:
            Rejected: the file cannot be read, has no heading for the name, or is too large.
            Conflict: `PREVIEWS_MAX` files of this group are under way, or one of the group or the manager is
                being read now.
            Overloaded: files of too many groups wait already.
        """
        now = clock.now()
        async with self._place(group_id, manager_id):
            # Before the file is read, so that nobody makes work by files that cannot be kept.
            await self._check_under_way(group_id, now)
            async with self._reading.turn(group_id):
                # In a thread: it takes up to seconds, and other requests go on meanwhile.
                checked, said = await asyncio.to_thread(self._read, group_id, content)
        added, changed, unchanged = compare(said, await self._members.fingerprints(group_id, said.keys()))
        check_not_full(await self._members.count(group_id), len(added))

        async def work(unit: UnitOfWork) -> Import:
            # Locked, so that two uploads at the same moment count each other.
            await self._participants.lock(unit, [group_id])
            await self._check_under_way(group_id, now, unit)
            key = (await self._participants.keys(unit, [group_id])).get(group_id)
            if key is None:
                raise NotFound(f"there is no group {group_id}", code="group_unknown", group_id=group_id)
            # Only what has to be written: unchanged lines do nothing.
            to_write = {one: checked.good[one] for one in (*added, *changed)}
            left = await self._enrolment.left(unit, group_id, {one: to_write[one] for one in added})
            misaddressed = await self._enrolment.misaddressed(unit, group_id, to_write) - left
            wrong = left | misaddressed
            preview = Import(
                import_id=ordered_id(now),
                group_id=group_id,
                uploaded_at=now,
                status="previewed",
                lines=checked.lines,
                faults=[],
                bad_lines=0,
                added=len(set(added) - wrong),
                changed=len(set(changed) - wrong),
                unchanged=len(unchanged),
                ignored=checked.ignored,
                expires_at=now + PREVIEW_KEPT,
                email_heading=checked.email_heading,
            )
            preview = with_faults(preview, [*checked.faults, *_faults(checked, left, misaddressed)])
            lines = [
                Line(one, details, checked.numbers[one])
                for one, details in to_write.items()
                if one not in wrong
            ]
            await self._imports.add(unit, preview, await asyncio.to_thread(_locked, lines, key))
            return preview

        return await save_together(self._database, work)

    @asynccontextmanager
    async def _place(self, group_id: str, manager_id: str) -> AsyncIterator[None]:
        """Waiting takes one place of a group and of a manager, so nobody takes the places of others."""
        if group_id in self._waiting or manager_id in self._waiting.values():
            raise Conflict("a file of yours is being read; send this one after it", code="roster_busy")
        if len(self._waiting) >= FILES_WAITING_MAX:
            raise Overloaded("too many files are being read; send it again")
        self._waiting[group_id] = manager_id
        try:
            yield
        finally:
            del self._waiting[group_id]

    async def _check_under_way(self, group_id: str, now: datetime, unit: UnitOfWork | None = None) -> None:
        if await self._imports.count_under_way(group_id, now, unit) >= PREVIEWS_MAX:
            raise Conflict(
                f"{PREVIEWS_MAX} files wait for a confirmation or are being imported; "
                "a preview ends after a day",
                code="previews_too_many",
                most=PREVIEWS_MAX,
            )

    def _read(self, group_id: str, content: bytes) -> tuple[Checked, Mapping[str, str]]:
        checked = check_lines(read_table(content), group_id, self._admission.hash)
        fingerprints = {
            one: fingerprint_of(details, self._admission.hash) for one, details in checked.good.items()
        }
        return checked, fingerprints

    async def confirm(self, group_id: str, import_id: str, *, skip_bad_lines: bool) -> Import:
        """
        Import the good lines of a preview. A worker does it; a second confirmation changes nothing.

        Raises:
            NotFound: there is no such preview: it has ended, or is another group's.
            Conflict: it has bad lines, and the manager does not say to leave them out.
            NotHttp: too many lines of this group were imported on this day (429). The preview stays.
        """
        # Counted outside of the transaction, which may run twice.
        shown = await self._imports.read(group_id, import_id)
        if shown is not None and shown.status == "previewed":
            check_confirmable(shown, skip_bad_lines=skip_bad_lines)
            await self._limit.check_lines(group_id, shown.added + shown.changed)

        async def work(unit: UnitOfWork) -> Import:
            preview = await self._imports.lock(unit, import_id)
            if preview is None or preview.group_id != group_id:
                raise import_unknown(import_id)
            if preview.status != "previewed":
                return preview
            if preview.expires_at is not None and preview.expires_at <= clock.now():
                raise import_unknown(import_id)
            check_confirmable(preview, skip_bad_lines=skip_bad_lines)
            confirmed = replace(preview, status="confirmed", expires_at=None)
            await self._imports.save(unit, confirmed)
            await self._imports.keep_lines(unit, import_id)
            return confirmed

        return await save_together(self._database, work)

    async def group(self, group_id: str) -> Group:
        """
        The group itself.

        Raises:
            NotFound: there is none.
        """
        group = await self._groups.read(group_id)
        if group is None:
            raise NotFound(f"there is no group {group_id}", code="group_unknown", group_id=group_id)
        return group


def _faults(checked: Checked, left: Collection[str], misaddressed: Collection[str]) -> list[LineFault]:
    """What only a look at the database shows to be wrong."""
    faults = [LineFault(checked.numbers[one], None, "member_left") for one in left]
    return faults + [
        LineFault(checked.numbers[one], checked.email_heading, "email_of_another") for one in misaddressed
    ]


def import_unknown(import_id: str) -> NotFound:
    """The refusal of an import that is not there, or is another body's."""
    return NotFound(f"there is no import {import_id}", code="import_unknown")


def _locked(lines: Sequence[Line], key: bytes) -> list[str]:
    return [
        encrypt_words(msgspec.json.encode(lines[start : start + PIECE_LINES]).decode(), key)
        for start in range(0, len(lines), PIECE_LINES)
    ]
