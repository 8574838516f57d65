"""Structs as documents and back, for the stores."""

from typing import TypeVar

import msgspec
from msgspec.structs import asdict

from shared.storage.mongo import Document

S = TypeVar("S", bound=msgspec.Struct)


def to_document(struct: msgspec.Struct, id_field: str) -> Document:
    """The struct's fields; the one that is its id becomes `_id`."""
    document: Document = asdict(struct)
    document["_id"] = document.pop(id_field)
    return document


def from_document(kind: type[S], document: Document, id_field: str) -> S:
    """
    The struct that `to_document` made this document of.

    `locks`, which only counts the transactions that took the document, is no field of it.
    """
    fields = dict(document)
    fields[id_field] = fields.pop("_id")
    fields.pop("locks", None)
    return kind(**fields)
