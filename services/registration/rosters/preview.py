"""A file is checked and compared with the roster; nothing is stored but the preview, encrypted, for a day."""

import asyncio
from collections.abc import Iterable, Sequence

import msgspec
from msgspec.structs import replace

from services.registration.participants.rules import Group
from services.registration.participants.store import GroupStore, ParticipantStore
from services.registration.rosters.admit import MemberAdmission
from services.registration.rosters.check_lines import Checked, check_lines
from services.registration.rosters.enrol import Enrolment
from services.registration.rosters.read_table import read_table
from services.registration.rosters.rules import (
    PREVIEW_KEPT,
    PREVIEWS_MAX,
    Details,
    Import,
    LineFault,
    bad_lines_of,
    check_confirmable,
    check_not_full,
    compare,
    fingerprint_of,
)
from services.registration.rosters.store import ImportStore, RosterStore
from shared.contracts.sealing import encrypt_words
from shared.runtime import clock
from shared.runtime.errors import Conflict, NotFound, Overloaded
from shared.runtime.ids import ordered_id
from shared.storage.mongo import Database
from shared.storage.unit_of_work import UnitOfWork, save_together

# Lines of one stored and encrypted piece.
PIECE_LINES = 250
# Files that a process reads at a time, and that wait for it. A file of 5,000 lines takes a second or two.
READING_MAX = 1
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
    ) -> None:
        self._database = database
        self._members = members
        self._imports = imports
        self._groups = groups
        self._participants = participants
        self._admission = admission
        self._enrolment = Enrolment(members, participants, admission)
        self._reading = asyncio.Semaphore(READING_MAX)
        self._waiting = 0

    async def preview(self, group_id: str, content: bytes) -> Import:
        """
        Preview a file.

        Raises:
            Rejected: the file cannot be read, has no heading for the name, or is too large.
            Conflict: `PREVIEWS_MAX` previews of this group wait for a confirmation.
            Overloaded: too many files wait already.
        """
        checked = await self._check(group_id, content)
        known = await self._members.identities(group_id)
        said = {one: fingerprint_of(details, self._admission.hash) for one, details in checked.good.items()}
        added, changed, unchanged = compare(said, known)
        check_not_full(len(known), len(added))
        now = clock.now()

        async def work(unit: UnitOfWork) -> Import:
            # Locked, so that two uploads at the same moment count each other.
            await self._participants.lock(unit, [group_id])
            if await self._imports.count_previews(unit, group_id, now) >= PREVIEWS_MAX:
                raise Conflict(
                    f"{PREVIEWS_MAX} previews wait for a confirmation; they end after a day",
                    code="previews_too_many",
                    most=PREVIEWS_MAX,
                )
            key = (await self._participants.keys(unit, [group_id])).get(group_id)
            if key is None:
                raise NotFound(f"there is no group {group_id}", code="group_unknown", group_id=group_id)
            # Only what has to be written: unchanged lines do nothing.
            to_write = {one: checked.good[one] for one in (*added, *changed)}
            wrong = await self._enrolment.misaddressed(unit, group_id, to_write)
            faults = [
                LineFault(checked.numbers[one], checked.email_heading, "email_of_another") for one in wrong
            ]
            faults = sorted(checked.faults + faults, key=lambda fault: fault.line)
            preview = Import(
                import_id=ordered_id(now),
                group_id=group_id,
                uploaded_at=now,
                status="previewed",
                lines=checked.lines,
                faults=faults,
                bad_lines=len(bad_lines_of(faults)),
                added=len(set(added) - wrong),
                changed=len(set(changed) - wrong),
                unchanged=len(unchanged),
                ignored=checked.ignored,
                expires_at=now + PREVIEW_KEPT,
            )
            written = {one: details for one, details in to_write.items() if one not in wrong}
            await self._imports.add(unit, preview, list(_locked(written, key)))
            return preview

        return await save_together(self._database, work)

    async def _check(self, group_id: str, content: bytes) -> Checked:
        if self._waiting >= FILES_WAITING_MAX:
            raise Overloaded("too many files are being read; send it again")
        self._waiting += 1
        try:
            async with self._reading:
                # In a thread: it takes up to seconds, and other requests go on meanwhile.
                return await asyncio.to_thread(self._read, group_id, content)
        finally:
            self._waiting -= 1

    def _read(self, group_id: str, content: bytes) -> Checked:
        return check_lines(read_table(content), group_id, self._admission.hash)

    async def confirm(self, group_id: str, import_id: str, *, skip_bad_lines: bool) -> Import:
        """
        Import the good lines of a preview. A worker does it; a second confirmation changes nothing.

        Raises:
            NotFound: there is no such preview: it has ended, or is another group's.
            Conflict: it has bad lines, and the manager does not say to leave them out.
        """

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


def import_unknown(import_id: str) -> NotFound:
    """The refusal of an import that is not there, or is another body's."""
    return NotFound(f"there is no import {import_id}", code="import_unknown")


def _locked(good: dict[str, Details], key: bytes) -> Iterable[str]:
    lines: Sequence[tuple[str, Details]] = list(good.items())
    for start in range(0, len(lines), PIECE_LINES):
        piece = msgspec.json.encode(lines[start : start + PIECE_LINES]).decode()
        yield encrypt_words(piece, key)
