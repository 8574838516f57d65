"""Put one field of a document, if it still is what somebody has read, also if two do so at once."""

from collections.abc import Callable
from typing import Any

from shared.runtime.errors import Unavailable
from shared.storage.mongo import Collection, Document, DuplicateKeyError, ReturnDocument, outages_named

TRIES_MAX = 5


async def put_field(
    collection: Collection,
    which: Document,
    field: str,
    value: Any,
    check: Callable[[Any], None],
    *,
    what: str,
    upsert: bool,
) -> bool:
    """
    Put a field; False if there is no such document, and none is made.

    Args:
        which: the document, by its id.
        check: gets the value of now, None if nobody has put one; raises Outdated if another one was read.
        what: names the field, for the message.
        upsert: a document that is not there is made.

    Raises:
        Outdated: by `check`.
        Unavailable: others put it again and again, or MongoDB does not answer.
    """
    for _ in range(TRIES_MAX):
        with outages_named():
            found = await collection.find_one(which, {field: 1})
        if found is None and not upsert:
            return False
        before = (found or {}).get(field)
        check(before)
        # None also finds a document without this field.
        as_read = which | {field: before}
        try:
            with outages_named():
                put = await collection.find_one_and_update(
                    as_read,
                    {"$set": {field: value}},
                    {"_id": 1},
                    upsert=upsert,
                    return_document=ReturnDocument.AFTER,
                )
        except DuplicateKeyError:
            # Somebody else has just put another value.
            continue
        if put is not None:
            return True
    raise Unavailable(f"{what} is changed by others all the time; try again")
