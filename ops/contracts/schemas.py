"""The JSON Schemas of the contracts, and the folder that has them."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from shared.contracts.envelope import Event
from shared.contracts.successions import DECLARED, Succession, succession_of

PUBLISHED = Path(__file__).parents[2] / "contracts"
RELEASED = "released"
SCHEMA_SUFFIX = ".schema.json"
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema_of(contract: type[Event], successions: tuple[Succession, ...] = DECLARED) -> dict[str, Any]:
    """The JSON Schema of an event's data. That of a version that will end is marked as deprecated."""
    schema = {"$schema": DIALECT, "$id": f"urn:{contract.type}", **contract.model_json_schema()}
    return schema | {"deprecated": True} if succession_of(contract, successions) else schema


def to_text(document: Mapping[str, Any]) -> str:
    """A document as its file has it."""
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"
