"""Structs as documents and back, for the stores."""

from typing import TypeVar

import msgspec
from msgspec.structs import asdict

from shared.storage.mongo import Document

S = TypeVar("S", bound=msgspec.Struct)


def to_document(struct: msgspec.Struct, id_field: str) -> Document:
    """The struct's fields; the id becomes `_id`."""
    document: Document = asdict(struct)
    document["_id"] = document.pop(id_field)
    return document


def from_document(kind: type[S], document: Document, id_field: str) -> S:
    """
    The struct of a document that `to_document` made.

    `locks` is not a field: it only counts the transactions that locked the document.
    """
    fields = dict(document)
    fields[id_field] = fields.pop("_id")
    fields.pop("locks", None)
    return kind(**fields)
