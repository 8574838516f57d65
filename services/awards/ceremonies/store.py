"""
Ceremonies in MongoDB.

ceremonies    as organisers put them, with the version of the content and the link of the hall
proxies       who comes for a recipient; deleted when one of the two is erased
handed_over   by the id of the award, what was noted last
"""

from collections.abc import Collection, Sequence
from datetime import datetime

import msgspec

from services.awards.ceremonies.rules import (
    CEREMONIES_MAX,
    PROXIES_MAX,
    Ceremony,
    Handed,
    Proxy,
    ceremony_unknown,
)
from shared.runtime.errors import Conflict, NotFound, Unavailable
from shared.runtime.versions import Matching, always, check_version, version_of
from shared.storage import mongo
from shared.storage.mongo import ASCENDING, Database, Document, DuplicateKeyError
from shared.storage.unit_of_work import UnitOfWork

# Others write the same ceremony at the same moment so often.
TRIES_MAX = 5


class CeremonyStore:
    """
    Ceremonies, their proxies and what was handed over.

    Attributes:
        database: for the units of work.
    """

    def __init__(self, database: Database) -> None:
        self.database = database
        self._ceremonies = database["ceremonies"]
        self._proxies = database["proxies"]
        self._handed = database["handed_over"]

    async def prepare(self) -> None:
        """Create the indexes, and the collections with them."""
        with mongo.outages_named():
            await self._ceremonies.create_index([("link.code_hash", ASCENDING)], unique=True, sparse=True)
            await self._proxies.create_index([("ceremony_id", ASCENDING), ("recipient_id", ASCENDING)])
            await self._proxies.create_index([("recipient_id", ASCENDING)])
            await self._proxies.create_index([("receiver_id", ASCENDING)], sparse=True)
            await self._handed.create_index([("ceremony_id", ASCENDING), ("_id", ASCENDING)])

    async def put(self, ceremony: Ceremony, matches: Matching = always) -> str:
        """
        Store a ceremony, new or changed; returns its version. Putting the same again changes nothing.

        Raises:
            Conflict: there are `CEREMONIES_MAX`.
            Outdated: it is not the version that was read.
        """
        content = ceremony.model_dump(mode="json", exclude={"ceremony_id"})
        version, id_ = version_of(content), ceremony.ceremony_id
        for _ in range(TRIES_MAX):
            with mongo.outages_named():
                found = await self._ceremonies.find_one({"_id": id_}, {"version": 1})
            check_version(matches, found["version"] if found else None, f"ceremony {id_}")
            if found and found["version"] == version:
                return version
            new = {"content": content, "version": version}
            with mongo.outages_named():
                if found is None:
                    if await self._ceremonies.estimated_document_count() >= CEREMONIES_MAX:
                        raise Conflict(
                            f"there are {CEREMONIES_MAX} ceremonies already; delete one",
                            code="too_many_ceremonies",
                        )
                    try:
                        await self._ceremonies.insert_one({"_id": id_} | new)
                    except DuplicateKeyError:
                        continue
                    return version
                changed = await self._ceremonies.update_one(found, {"$set": new})
            if changed.matched_count:
                return version
        raise Unavailable(f"ceremony {id_} is changed by others all the time; try again")

    async def get(self, ceremony_id: str) -> tuple[Ceremony, str]:
        """
        A ceremony and its version.

        Raises:
            NotFound: there is none.
        """
        with mongo.outages_named():
            found = await self._ceremonies.find_one({"_id": ceremony_id})
        if found is None:
            raise ceremony_unknown(ceremony_id)
        return _ceremony(found), found["version"]

    async def page(self, after: str, limit: int) -> list[Ceremony]:
        """Ceremonies by id, from the one after `after`."""
        with mongo.outages_named():
            found = self._ceremonies.find({"_id": {"$gt": after}}).sort("_id", ASCENDING).limit(limit)
            return [_ceremony(one) for one in await found.to_list(None)]

    async def lock(self, unit: UnitOfWork, ceremony_id: str) -> tuple[Ceremony, str, bool]:
        """
        A ceremony, its version, and whether awards were handed over at it; locked until the transaction ends.

        Raises:
            NotFound: there is none.
        """
        found = await self._ceremonies.find_one_and_update(
            {"_id": ceremony_id}, {"$inc": {"locked": 1}}, session=unit.session
        )
        if found is None:
            raise ceremony_unknown(ceremony_id)
        return _ceremony(found), found["version"], found.get("used", False)

    async def delete(self, unit: UnitOfWork, ceremony_id: str) -> None:
        """Delete a ceremony that is locked, with its proxies."""
        await self._proxies.delete_many({"ceremony_id": ceremony_id}, session=unit.session)
        await self._ceremonies.delete_one({"_id": ceremony_id}, session=unit.session)

    async def set_link(self, ceremony_id: str, code_hash: str | None, until: datetime) -> None:
        """
        Put the link of the hall in place of the one before; None ends it.

        Raises:
            NotFound: there is no such ceremony.
        """
        link = {"link": {"code_hash": code_hash, "until": until}}
        change = {"$set": link} if code_hash else {"$unset": {"link": 1}}
        with mongo.outages_named():
            done = await self._ceremonies.update_one({"_id": ceremony_id}, change)
        if not done.matched_count:
            raise ceremony_unknown(ceremony_id)

    async def by_link(self, code_hash: str, now: datetime) -> Ceremony | None:
        """The ceremony of a link that is good."""
        which: Document = {"link.code_hash": code_hash, "link.until": {"$gt": now}}
        with mongo.outages_named():
            found = await self._ceremonies.find_one(which)
        return _ceremony(found) if found else None

    async def proxies(self, ceremony_id: str, unit: UnitOfWork | None = None) -> dict[str, Proxy]:
        """The proxies of a ceremony by recipient; there are at most `PROXIES_MAX`."""
        found = self._proxies.find({"ceremony_id": ceremony_id}, session=unit and unit.session)
        with mongo.outages_named():
            documents = await found.sort("recipient_id", ASCENDING).limit(PROXIES_MAX).to_list(None)
        return {one["recipient_id"]: _proxy(one) for one in documents}

    async def proxy(
        self, ceremony_id: str, recipient_id: str, unit: UnitOfWork | None = None
    ) -> Proxy | None:
        """The proxy of a recipient, if there is one."""
        which = {"_id": _proxy_id(ceremony_id, recipient_id)}
        with mongo.outages_named():
            found = await self._proxies.find_one(which, session=unit and unit.session)
        return _proxy(found) if found else None

    async def put_proxy(self, unit: UnitOfWork, ceremony_id: str, recipient_id: str, proxy: Proxy) -> None:
        """
        Store who comes for a recipient. The ceremony is locked.

        Raises:
            Conflict: there are `PROXIES_MAX`.
        """
        id_ = _proxy_id(ceremony_id, recipient_id)
        others: Document = {"ceremony_id": ceremony_id, "recipient_id": {"$ne": recipient_id}}
        if await self._proxies.count_documents(others, session=unit.session) >= PROXIES_MAX:
            raise Conflict(f"a ceremony has at most {PROXIES_MAX} proxies", code="too_many_proxies")
        document: Document = {"ceremony_id": ceremony_id, "recipient_id": recipient_id}
        said = {"receiver_id": proxy.receiver_id, "receiver_name": proxy.receiver_name, "note": proxy.reason}
        document |= {name: value for name, value in said.items() if value is not None}
        await self._proxies.replace_one({"_id": id_}, document, upsert=True, session=unit.session)

    async def delete_proxy(self, unit: UnitOfWork, ceremony_id: str, recipient_id: str) -> None:
        """Nobody comes for this recipient any more."""
        await self._proxies.delete_one({"_id": _proxy_id(ceremony_id, recipient_id)}, session=unit.session)

    async def forget(self, participant_ids: Collection[str]) -> None:
        """Delete the proxies of these people, and those that they are."""
        ids = list(participant_ids)
        with mongo.outages_named():
            await self._proxies.delete_many({"recipient_id": {"$in": ids}})
            await self._proxies.delete_many({"receiver_id": {"$in": ids}})

    async def handed(self, award_ids: Collection[str], unit: UnitOfWork | None = None) -> dict[str, Handed]:
        """What was noted last of these awards, by their ids."""
        found = self._handed.find({"_id": {"$in": list(award_ids)}}, session=unit and unit.session)
        with mongo.outages_named():
            documents = await found.to_list(None)
        return {one["_id"]: _handed(one) for one in documents}

    async def note(self, unit: UnitOfWork, ceremony_id: str, handed: Sequence[Handed]) -> None:
        """Note what was handed over at a ceremony, or undone. The ceremony is locked, and stays for ever."""
        for one in handed:
            document = msgspec.structs.asdict(one)
            del document["award_id"]
            await self._handed.replace_one({"_id": one.award_id}, document, upsert=True, session=unit.session)
        if handed:
            await self._ceremonies.update_one(
                {"_id": ceremony_id}, {"$set": {"used": True}}, session=unit.session
            )


def proxy_unknown(recipient_id: str) -> NotFound:
    """The refusal of a proxy that is not there."""
    return NotFound(f"nobody comes for {recipient_id}", code="proxy_unknown")


def _proxy_id(ceremony_id: str, recipient_id: str) -> str:
    return f"{ceremony_id}/{recipient_id}"


def _ceremony(document: Document) -> Ceremony:
    return Ceremony(ceremony_id=document["_id"], **document["content"])


def _proxy(document: Document) -> Proxy:
    return Proxy(
        receiver_id=document.get("receiver_id"),
        receiver_name=document.get("receiver_name"),
        reason=document.get("note"),
    )


def _handed(document: Document) -> Handed:
    return msgspec.convert({"award_id": document["_id"], **document}, Handed)
