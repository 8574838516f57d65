"""How collections would be divided on a sharded MongoDB: sharding.toml has the shard keys and the reasons."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ops.documents.tables import code, table

FILE = Path(__file__).with_name("sharding.toml")


@dataclass(frozen=True, slots=True)
class Divided:
    """A collection that would be divided; `by` is the shard key, in ranges of its values."""

    name: str
    by: str
    id: str


def divided() -> dict[str, list[Divided]]:
    """By service, the collections that would be divided."""
    return {service: [Divided(**one) for one in of.get("divided", [])] for service, of in _read().items()}


def everything() -> str:
    """A row for each collection that would be divided, and for the rest of each service."""
    rows: list[list[str]] = []
    for service, of in _read().items():
        parts = divided()[service]
        rows += ([service, code(one.name), code(one.by), f"the id is {one.id}"] for one in parts)
        rows.append([service, "all others" if parts else "all", "on one shard", of["whole"]])
    return table(["service", "collection", "shard key", "why"], rows)


def _read() -> dict[str, Any]:
    return tomllib.loads(FILE.read_text())
