"""
The services' acknowledgements, a line for each promise. The audit checks that every promise is kept.

Each line is flushed when it is written, so the ledger survives a kill of the program that writes it.
"""

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

# The ledger's name in the home folder of a week.
LEDGER_FILE = "ledger.jsonl"

Kind: TypeAlias = Literal[
    "registered",
    "saved",
    "submitted",
    "copied",
    "cancelled",
    "checked_in",
    "assigned",
    "erased",
    "conferred",
    "revoked",
    "refused",
    "emitted",
    "streamed",
]


@dataclass(frozen=True, slots=True)
class Promise:
    """One acknowledgement: `id` names the thing promised, `detail` its outcome or code."""

    kind: Kind
    id: str
    detail: str = ""


class Ledger:
    """A file of promises."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("a", encoding="utf-8", buffering=1)
        self.counts: Counter[str] = Counter()

    def note(self, kind: Kind, id_: str, detail: str = "") -> None:
        """Write down one promise."""
        self.counts[kind] += 1
        self._file.write(json.dumps([kind, id_, detail], ensure_ascii=False) + "\n")


def read(path: Path) -> list[Promise]:
    """All promises of a file; none if there is no file."""
    if not path.exists():
        return []
    rows: list[list[Any]] = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    return [Promise(*row) for row in rows]
