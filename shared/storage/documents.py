"""Structs as documents and back, locked documents, and pages of documents, for the stores."""

from datetime import datetime
from typing import TypeVar

import msgspec
from msgspec.structs import asdict

from shared.storage.mongo import DESCENDING, Collection, Document, ReturnDocument, Session

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


async def lock_one(collection: Collection, id_: str, session: Session) -> Document | None:
    """
    Lock a document for this transaction, and read it.

    Any other transaction that changes it conflicts, also if this one changes nothing of it.
    """
    locked: Document | None = await collection.find_one_and_update(
        {"_id": id_}, {"$inc": {"locks": 1}}, return_document=ReturnDocument.AFTER, session=session
    )
    return locked


def latest_first(field: str) -> list[tuple[str, int]]:
    """The order of pages whose latest document comes first: by this field and the id."""
    return [(field, DESCENDING), ("_id", DESCENDING)]


def behind(field: str, place: tuple[datetime, str] | None) -> Document:
    """
    The condition of documents that come after this time and id, the latest first; None: of all documents.

    Put it behind `$and` if another condition has the same field.
    """
    if place is None:
        return {}
    at, id_ = place
    return {
        # This follows from the condition below. It is here for the index: MongoDB begins to read it at this
        # time, and not at the latest document.
        field: {"$lte": at},
        "$or": [{field: {"$lt": at}}, {field: at, "_id": {"$lt": id_}}],
    }
