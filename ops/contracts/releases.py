"""
The contracts of a release, or of now: their schemas, and how their records travel.

Releases of before 0.3.0 have only the schemas.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ops.contracts.compatibility import Schema
from ops.contracts.delivery import TOPICS, Delivery, deliveries
from ops.contracts.schemas import PUBLISHED, RELEASED, SCHEMA_SUFFIX, schema_of
from ops.errors import CommandError
from shared.contracts import events
from shared.contracts.envelope import Event

CURRENT = "current"


class UnknownRelease(CommandError):
    """There is no such release."""


class NotReleased(CommandError):
    """The contracts of now cannot become a release of this name."""


@dataclass(frozen=True, slots=True)
class Contracts:
    """
    All contracts at one time.

    Attributes:
        name: the release, or `current`.
        schemas: by type.
        delivery: the content of `topics.json`; None if the release has none.
    """

    name: str
    schemas: Mapping[str, Schema]
    delivery: Delivery | None = None

    def delivery_of(self, type_: str) -> Delivery | None:
        """How the records of this type travel, as far as the release says it."""
        return self.delivery["events"].get(type_) if self.delivery else None


def current(contracts: Sequence[type[Event]] = events.ALL) -> Contracts:
    """The contracts of the code."""
    schemas = {contract.type: schema_of(contract) for contract in contracts}
    return Contracts(CURRENT, schemas, deliveries(contracts))


def releases(folder: Path = PUBLISHED) -> list[Contracts]:
    """All releases, the oldest first."""
    paths = [path for path in (folder / RELEASED).glob("*") if path.is_dir()]
    return [_read(path) for path in sorted(paths, key=lambda path: number(path.name))]


def named(name: str, folder: Path = PUBLISHED) -> Contracts:
    """
    A release by its name, or the contracts of now.

    Raises:
        UnknownRelease: there is none of this name.
    """
    if name == CURRENT:
        return current()
    found = {one.name: one for one in releases(folder)}
    if name not in found:
        raise UnknownRelease(f"there is no release {name}: name one of {', '.join([*found, CURRENT])}")
    return found[name]


def number(version: str) -> tuple[int, ...]:
    """
    The numbers of a version such as 0.10.0, so that releases can be put in order.

    Raises:
        NotReleased: it has another form.
    """
    try:
        parts = tuple(int(part) for part in version.split("."))
    except ValueError:
        parts = ()
    if len(parts) != 3:
        raise NotReleased(f"{version} is no version: it has three numbers, such as 0.3.0")
    return parts


def _read(path: Path) -> Contracts:
    schemas = {
        file.name.removesuffix(SCHEMA_SUFFIX): json.loads(file.read_text())
        for file in sorted(path.glob(f"*{SCHEMA_SUFFIX}"))
    }
    topics = path / TOPICS
    return Contracts(path.name, schemas, json.loads(topics.read_text()) if topics.exists() else None)
