"""
Names and addresses of recipients in MongoDB, as registration has sealed them.

names   what `participant.named` says of a participant, with its version. After an erasure only the id, the
        version and the time stay, until no older event can come

Names and erasures come from two topics: in any order, twice, or late. So only a higher version, or the same
one told again, replaces a document, and an erasure is final. Backups leave this collection out: the topic has
the latest record of everybody.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

import msgspec
from pydantic import TypeAdapter, ValidationError

from services.awards.names.rules import Address, FullName, ShownName, shown
from shared.contracts.checked import PersonalLine
from shared.contracts.events import ParticipantErased, ParticipantNamed
from shared.contracts.sealing import decrypt_words, unseal_key
from shared.contracts.topics import TOMBSTONES_KEPT
from shared.runtime.errors import Rejected
from shared.storage import mongo
from shared.storage.mongo import Database, Document, UpdateOne

# Names that are opened at a time, in a thread: some 20 us each.
OPENED_MAX = 200
# So few are opened at once: a thread costs more.
OPENED_HERE_MAX = 4

# Of people and groups.
_NAME = TypeAdapter(PersonalLine)
_IS_ERASED: Document = {"$ne": [{"$type": "$erased_at"}, "missing"]}

T = TypeVar("T")


class NameStore:
    """
    Keeps what is sealed, and opens it on demand.

    Args:
        private_key: awards' own, in base64. Without it no name can be opened here.
    """

    def __init__(self, database: Database, private_key: str | None = None) -> None:
        self._names = database["names"]
        self._private_key = private_key

    @property
    def opens(self) -> bool:
        """Whether this process can open names."""
        return self._private_key is not None

    async def prepare(self) -> None:
        """Create the index by which the server deletes what is left of erased people."""
        await mongo.delete_after(self._names, "erased_at", TOMBSTONES_KEPT, sparse=True)

    async def keep(self, named: Sequence[ParticipantNamed], now: datetime) -> None:
        """Keep the latest of these, unless what is stored is later. Without a key it is an erasure."""
        writes = [
            _erasing(event.participant_id, event.version, now)
            if event.key_sealed is None
            else UpdateOne({"_id": event.participant_id}, _not_older(event.model_dump()), upsert=True)
            for event in _latest(named)
        ]
        await self._write(writes)

    async def erase(self, erased: Sequence[ParticipantErased], now: datetime) -> None:
        """Delete the names and addresses of these people, for ever."""
        of = {event.participant_id: event.version for event in erased}
        await self._write([_erasing(id_, version, now) for id_, version in of.items()])

    async def shown(self, recipient_ids: Collection[str]) -> Mapping[str, ShownName]:
        """What everybody may see of these recipients, by id. Erased and unknown ones are left out."""
        return await self._opened(recipient_ids, self._shown)

    async def full(self, recipient_ids: Collection[str]) -> Mapping[str, FullName]:
        """
        What organisers may read of these recipients, by id. Erased and unknown ones are left out.

        Whoever asks keeps an act first (`services/awards/winners`).
        """
        return await self._opened(recipient_ids, self._full)

    async def _opened(
        self, recipient_ids: Collection[str], read: Callable[[Document, Mapping[str, Document]], T]
    ) -> dict[str, T]:
        ids, found = list(dict.fromkeys(recipient_ids)), dict[str, T]()
        for start in range(0, len(ids), OPENED_MAX):
            known = await self._known(ids[start : start + OPENED_MAX])
            groups = await self._known({one["group_id"] for one in known.values() if one["group_id"]})

            def opened(
                known: Mapping[str, Document] = known, groups: Mapping[str, Document] = groups
            ) -> dict[str, T]:
                return {id_: read(one, groups) for id_, one in known.items()}

            found |= opened() if len(known) <= OPENED_HERE_MAX else await asyncio.to_thread(opened)
        return found

    async def _known(self, ids: Collection[str]) -> dict[str, Document]:
        if not ids:
            return {}
        these: Document = {"_id": {"$in": list(ids)}, "key_sealed": {"$exists": True}}
        with mongo.outages_named():
            found = await self._names.find(these).batch_size(OPENED_MAX).to_list(None)
        return {document["_id"]: document for document in found}

    def _shown(self, one: Document, groups: Mapping[str, Document]) -> ShownName:
        unit = groups.get(one["group_id"])
        return ShownName(
            shown(self._name(one), one["kind"], one["shown"]),
            one["kind"],
            shown(self._name(unit), unit["kind"], unit["shown"]) if unit else None,
        )

    def _full(self, one: Document, groups: Mapping[str, Document]) -> FullName:
        unit = groups.get(one["group_id"])
        return FullName(
            self._name(one),
            one["kind"],
            self._name(unit) if unit else None,
            one["district"],
            self._address(one),
        )

    def _name(self, one: Document) -> str | None:
        """The name; None if there is none, or what is locked is no name. Nobody could check it before."""
        words = self._words(one, "name_locked")
        try:
            return words and _NAME.validate_python(words)
        except ValidationError:
            return None

    def _address(self, one: Document) -> Address | None:
        """The address; None if there is none, or what is locked is no address."""
        words = self._words(one, "address_locked")
        try:
            return msgspec.json.decode(words, type=Address) if words else None
        except msgspec.MsgspecError:
            return None

    def _words(self, one: Document, field: str) -> str | None:
        """What is locked in this field; None if there is nothing, or the keys do not fit."""
        if self._private_key is None or one[field] is None:
            return None
        try:
            return decrypt_words(one[field], unseal_key(one["key_sealed"], self._private_key))
        except Rejected:
            return None

    async def _write(self, writes: Sequence[UpdateOne]) -> None:
        if writes:
            with mongo.outages_named():
                await self._names.bulk_write(writes, ordered=False)


def _latest(named: Sequence[ParticipantNamed]) -> Collection[ParticipantNamed]:
    latest: dict[str, ParticipantNamed] = {}
    for event in named:
        known = latest.get(event.participant_id)
        if known is None or event.version >= known.version:
            latest[event.participant_id] = event
    return latest.values()


def _not_older(said: dict[str, Any]) -> list[Document]:
    document = said | {"_id": said["participant_id"]}
    del document["participant_id"]
    is_later = {"$gt": [{"$ifNull": ["$version", 0]}, document["version"]]}
    return [{"$replaceWith": {"$cond": [{"$or": [_IS_ERASED, is_later]}, "$$ROOT", {"$literal": document}]}}]


def _erasing(participant_id: str, version: int, now: datetime) -> UpdateOne:
    # The time of our own clock, and the first one stays: a repeat must not keep the id for longer.
    tombstone = {"_id": participant_id, "version": version, "erased_at": now}
    change = [{"$replaceWith": {"$cond": [_IS_ERASED, "$$ROOT", {"$literal": tombstone}]}}]
    return UpdateOne({"_id": participant_id}, change, upsert=True)
