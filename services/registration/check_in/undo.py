"""A check-in by mistake is undone: the place is confirmed, as before it."""

import logging

from msgspec.structs import replace

from services.registration.check_in.judge import Judge
from services.registration.check_in.rules import Scan, check_undoable, scan_id
from services.registration.check_in.store import ScanStore
from shared.contracts.origin import Origin
from shared.runtime import clock
from shared.runtime.errors import Conflict, NotFound
from shared.storage.mongo import Database
from shared.storage.unit_of_work import UnitOfWork, save_together

log = logging.getLogger(__name__)


class Undo:
    """Undoes scans."""

    def __init__(self, database: Database, scans: ScanStore, judge: Judge) -> None:
        self._database = database
        self._scans = scans
        self._judge = judge

    async def undo(self, device: str, own: str, origin: Origin) -> Scan:
        """
        Undo a scan that has let people in; undoing it again changes nothing.

        Raises:
            NotFound: this device has sent no such scan.
            Conflict: it has let nobody in, was too long ago, or its holder is erased.
        """
        id_ = scan_id(device, own)

        async def work(unit: UnitOfWork) -> tuple[Scan, bool]:
            scan = (await self._scans.by_id(unit, [id_])).get(id_)
            if scan is None:
                raise NotFound(f"device {device} has sent no scan {own}", code="scan_unknown")
            if scan.undone_at is not None:
                return scan, False
            now = clock.now()
            check_undoable(scan, now)
            known = await self._judge.found(unit, [str(scan.registration_id)])
            if any(booked.erased for booked in known.values()):
                # Nothing about a person is published after the erasure.
                raise Conflict("this participant was erased", code="participant_erased")
            undone = replace(scan, undone_at=now, people=0, conflict=False)
            await self._judge.settle(unit, known, [], [undone], origin, now)
            return undone, True

        undone, changed = await save_together(self._database, work)
        if changed:
            log.info("check-in undone", extra={"device": device, "scan": own, "session": undone.session_id})
        return undone
