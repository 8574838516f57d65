"""
What was asked of the services and what they answered: an append-only file, a line for each step.

    {"number": 7, "at": 12.204, "phase": "invoke", "kind": "book", "who": "p-0003", "fields": {…}}
    {"number": 7, "at": 12.271, "phase": "ok", "kind": "book", "who": "p-0003", "fields": {…}}

Each operation has a number. It begins with `invoke`, and ends with `ok`, with `fail` (certainly without an
effect) or with `unknown` (with or without an effect). An operation without an end is unknown too.
"""

import json
import os
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, TypeAlias, get_args

Kind: TypeAlias = Literal[
    "book", "cancel", "command", "save", "submit", "read", "result", "confer", "poison", "abort"
]
Phase: TypeAlias = Literal["invoke", "ok", "fail", "unknown"]
Fields: TypeAlias = Mapping[str, Any]
KINDS: tuple[Kind, ...] = get_args(Kind)

HISTORY_FILE = "history.jsonl"
# The file is on the disk after so many lines. A power failure may cost the last ones; a kill costs none.
SYNCED_LINES = 100


@dataclass(frozen=True, slots=True)
class Operation:
    """
    One thing that was asked.

    Attributes:
        asked: with what it was asked.
        told: what was answered; empty unless `outcome` is `ok`.
        began_at, ended_at: `time.time()` of this program. What is unknown has not ended: it may still happen.
    """

    number: int
    kind: Kind
    who: str
    asked: Fields
    began_at: float
    outcome: Phase = "unknown"
    told: Fields = field(default_factory=dict)
    ended_at: float = float("inf")


class History:
    """Writes the file. Each line is with the operating system before the next step is taken."""

    def __init__(self, path: Path) -> None:
        self.counts: Counter[tuple[Kind, Phase]] = Counter()
        self._file = path.open("x", encoding="utf-8", buffering=1)
        self._number = 0
        self._lines = 0
        # Threads ask and are told too.
        self._one = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._sync()
        self._file.close()

    def invoke(self, kind: Kind, who: str, **asked: Any) -> "Begun":
        """Write down that something will be asked now."""
        with self._one:
            self._number += 1
            begun = Begun(self, self._number, kind, who)
        self.write(begun, "invoke", asked)
        return begun

    def write(self, begun: "Begun", phase: Phase, fields: Fields) -> None:
        """Write one line. For `Begun`."""
        line = {
            "number": begun.number,
            "at": time.time(),
            "phase": phase,
            "kind": begun.kind,
            "who": begun.who,
            "fields": fields,
        }
        with self._one:
            self.counts[begun.kind, phase] += 1
            self._file.write(json.dumps(line, ensure_ascii=False) + "\n")
            self._lines += 1
            if self._lines % SYNCED_LINES == 0:
                self._sync()

    def _sync(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())


@dataclass(frozen=True, slots=True)
class Begun:
    """An operation that was asked. It ends once."""

    history: History
    number: int
    kind: Kind
    who: str

    def ok(self, **told: Any) -> None:
        """It was acknowledged."""
        self.history.write(self, "ok", told)

    def fail(self, code: str) -> None:
        """It was refused, and no earlier try can have had an effect."""
        self.history.write(self, "fail", {"code": code})

    def unknown(self, why: str) -> None:
        """Nobody knows whether it had an effect."""
        self.history.write(self, "unknown", {"why": why})


def read(path: Path) -> list[Operation]:
    """All operations of a file, in the order in which they were asked."""
    lines = path.read_text("utf-8").splitlines(keepends=True)
    # A program that was killed may have written half of its last line.
    return operations(json.loads(line) for line in lines if line.endswith("\n"))


def operations(lines: Iterable[Mapping[str, Any]]) -> list[Operation]:
    """
    Put the lines of each operation together.

    Raises:
        ValueError: a line has no invocation, or an operation ends twice: the history itself is wrong.
    """
    begun: dict[int, Mapping[str, Any]] = {}
    ends: dict[int, Mapping[str, Any]] = {}
    for line in lines:
        known = begun if line["phase"] == "invoke" else ends
        if line["number"] in known or (known is ends and line["number"] not in begun):
            raise ValueError(f"operation {line['number']} is {line['phase']} at the wrong time")
        known[line["number"]] = line
    return list(_operations(begun, ends))


def _operations(
    begun: Mapping[int, Mapping[str, Any]], ends: Mapping[int, Mapping[str, Any]]
) -> Iterator[Operation]:
    for number, line in begun.items():
        end = ends.get(number)
        phase: Phase = end["phase"] if end else "unknown"
        yield Operation(
            number,
            line["kind"],
            line["who"],
            line["fields"],
            line["at"],
            phase,
            end["fields"] if end and phase == "ok" else {},
            end["at"] if end and phase != "unknown" else float("inf"),
        )
