"""
What a door has scanned, in a file that survives a kill: one JSON object a line, only ever appended.

A scan is on the disk before its verdict is shown. A line that was cut off by a kill is dropped: its verdict
was never shown.
"""

import fcntl
import json
import os
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, TypeAlias
from uuid import uuid4

from ops.door.verifier import Ruling
from ops.errors import CommandError

Json: TypeAlias = dict[str, Any]


class QueueInUse(CommandError):
    """Another process writes this file."""


class ScanQueue:
    """The file of one door. One process at a time has it open."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("a+b")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._file.close()
            raise QueueInUse(f"{path} is in use: each door has a file of its own") from None
        self._scans: dict[str, Json] = {}
        self._sent_at: dict[str, datetime] = {}
        self._read()

    def __enter__(self) -> "ScanQueue":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let another process have the file."""
        self._file.close()

    def note(
        self, session_id: str, ticket: str | None, people: int | None, at: datetime, ruling: Ruling
    ) -> Json:
        """
        Keep a scan at the door of this session; it is on the disk when this returns.

        Args:
            ticket: None: the registration of the ruling was picked from a list.
        """
        scan = {
            "scan_id": str(uuid4()),
            "session_id": session_id,
            "ticket": ticket,
            "people": people,
            "scanned_at": at.isoformat(),
            "let_in": ruling.let_in,
            "verdict": ruling.verdict,
            "came_in": ruling.people,
            "registration_id": ruling.registration_id,
        }
        self._append({"scan": scan})
        self._scans[str(scan["scan_id"])] = scan
        return scan

    def unsent(self, session_id: str) -> list[Json]:
        """The scans of this session that the service has not acknowledged, in order."""
        return [
            scan
            for id_, scan in self._scans.items()
            if id_ not in self._sent_at and scan["session_id"] == session_id
        ]

    def acknowledge(self, scan_ids: Collection[str], at: datetime) -> None:
        """The service has these scans."""
        self._append({"sent": {"scan_ids": list(scan_ids), "at": at.isoformat()}})
        self._sent_at |= dict.fromkeys(scan_ids, at)

    def inside(self, made_at: datetime) -> Mapping[str, int]:
        """How many people of each registration came in here, unknown to a list made at this time."""
        people: Counter[str] = Counter()
        for id_, scan in self._scans.items():
            sent_at = self._sent_at.get(id_)
            if scan["registration_id"] and scan["came_in"] and (sent_at is None or sent_at > made_at):
                people[scan["registration_id"]] += scan["came_in"]
        return people

    def _append(self, line: Json) -> None:
        self._file.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())

    def _read(self) -> None:
        whole = 0
        for line in self._lines():
            whole += len(line)
            content = json.loads(line)
            if "scan" in content:
                self._scans[content["scan"]["scan_id"]] = content["scan"]
            else:
                at = datetime.fromisoformat(content["sent"]["at"])
                self._sent_at |= dict.fromkeys(content["sent"]["scan_ids"], at)
        # What a kill has cut off: the next line must not be glued to it.
        self._file.truncate(whole)

    def _lines(self) -> Iterator[bytes]:
        self._file.seek(0)
        for line in self._file:
            if line.endswith(b"\n"):
                yield line


def now() -> datetime:
    """By the clock of this device."""
    return datetime.now(UTC)
