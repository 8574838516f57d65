"""
Endpoints in MongoDB. They are stored until an organiser deletes them.

endpoints   `_id` is the endpoint's id; `secrets` are encrypted (secrets.py)
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import msgspec

from services.webhooks.endpoints.rules import ENDPOINTS_MAX, Disabled, Endpoint, Secret
from shared.runtime.errors import Conflict, NotFound, Outdated
from shared.runtime.ids import random_id
from shared.runtime.versions import Matching, always, check_version
from shared.storage import mongo
from shared.storage.mongo import ASCENDING, Database, Document, DuplicateKeyError, ReturnDocument

# Of deliveries that follow each other, not each one writes when it was.
DELIVERED_EVERY = timedelta(seconds=30)
# Versions of an endpoint that is put again must differ from those of the one before.
MADE_CHARS = 8
_HEALTHY: Document = {"failing_since": "", "disabled": "", "disabled_at": ""}


class EndpointStore:
    """Endpoints by their ids."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._endpoints = database["endpoints"]

    async def prepare(self) -> None:
        """Create the collection."""
        with mongo.outages_named():
            await mongo.create_missing(self._database, ["endpoints"])

    async def all(self) -> list[Endpoint]:
        """All endpoints, at most `ENDPOINTS_MAX`, by id."""
        with mongo.outages_named():
            found = self._endpoints.find({}).sort("_id", ASCENDING).limit(ENDPOINTS_MAX)
            return [_endpoint(document) for document in await found.to_list(None)]

    async def enabled(self) -> list[Endpoint]:
        """Those that get something, by id."""
        return [one for one in await self.all() if one.disabled is None]

    async def get(self, endpoint_id: str) -> Endpoint:
        """
        The endpoint of this id.

        Raises:
            NotFound: there is none (`endpoint_unknown`).
        """
        with mongo.outages_named():
            document = await self._endpoints.find_one({"_id": endpoint_id})
        if document is None:
            raise unknown(endpoint_id)
        return _endpoint(document)

    async def page(self, after: str, limit: int) -> list[Endpoint]:
        """Endpoints by id, from the one after `after`."""
        with mongo.outages_named():
            found = self._endpoints.find({"_id": {"$gt": after}}).sort("_id", ASCENDING).limit(limit)
            return [_endpoint(document) for document in await found.to_list(None)]

    async def add(self, endpoint: Endpoint, matches: Matching = always) -> bool:
        """
        Insert a new endpoint; False if there is one of this id.

        Raises:
            Conflict: there are `ENDPOINTS_MAX` (`too_many_endpoints`).
            Outdated: the condition asks for one that is there.
        """
        with mongo.outages_named():
            if await self._endpoints.find_one({"_id": endpoint.endpoint_id}, {"_id": 1}):
                return False
            check_version(matches, None, f"endpoint {endpoint.endpoint_id}")
            if await self._endpoints.count_documents({}, limit=ENDPOINTS_MAX) >= ENDPOINTS_MAX:
                raise Conflict(
                    f"there are {ENDPOINTS_MAX} endpoints: delete one that nobody needs",
                    code="too_many_endpoints",
                )
            try:
                await self._endpoints.insert_one(_document(endpoint))
            except DuplicateKeyError:
                return False
        return True

    async def change(
        self,
        endpoint_id: str,
        change: Callable[[Endpoint], Endpoint | None],
        matches: Matching = always,
    ) -> Endpoint:
        """
        Change an endpoint by a function, which returns None if nothing is to change.

        Raises:
            NotFound: there is none.
            Outdated: its version does not match, or somebody else has changed it at this moment.
        """
        found = await self.get(endpoint_id)
        check_version(matches, tag(found), f"endpoint {endpoint_id}")
        changed = change(found)
        if changed is None:
            return found
        changed = msgspec.structs.replace(changed, version=found.version + 1)
        # What the sender notes meanwhile stays: only what people change is written.
        fields = {name: _document(changed)[name] for name in ("url", "types", "description", "secrets")}
        with mongo.outages_named():
            document = await self._endpoints.find_one_and_update(
                {"_id": endpoint_id, "key": found.key, "version": found.version},
                {"$set": fields | {"version": changed.version}},
                return_document=ReturnDocument.AFTER,
            )
        if document is None:
            raise Outdated(
                f"endpoint {endpoint_id} was changed at this moment; read it again", code="version_differs"
            )
        return _endpoint(document)

    async def delete(self, endpoint_id: str, matches: Matching = always) -> Endpoint:
        """
        Delete an endpoint and its secrets; returns it as it was.

        Raises:
            NotFound: there is none.
            Outdated: its version does not match.
        """
        found = await self.get(endpoint_id)
        check_version(matches, tag(found), f"endpoint {endpoint_id}")
        with mongo.outages_named():
            which = {"_id": endpoint_id, "key": found.key, "version": found.version}
            if (await self._endpoints.delete_one(which)).deleted_count == 0:
                raise Outdated(
                    f"endpoint {endpoint_id} was changed at this moment; read it again",
                    code="version_differs",
                )
        return found

    async def disable(
        self, key: str, why: Disabled, now: datetime, *, failing_since: datetime | None = None
    ) -> bool:
        """
        Disable an endpoint; False if it is disabled already, or not there any more.

        Args:
            failing_since: only if it still fails since then.
        """
        which: Document = {"key": key, "disabled": None}
        if failing_since is not None:
            which["failing_since"] = failing_since
        return await self._note(which, {"$set": {"disabled": why, "disabled_at": now}})

    async def enable(self, key: str) -> bool:
        """Enable an endpoint, as one that has never failed; False if it is enabled."""
        which: Document = {"key": key, "disabled": {"$ne": None}}
        return await self._note(which, {"$unset": _HEALTHY})

    async def note_delivered(self, endpoint: Endpoint, now: datetime) -> None:
        """Note that it has taken a delivery."""
        last = endpoint.delivered_at
        if endpoint.failing_since is None and last is not None and now - last < DELIVERED_EVERY:
            return
        change: Document = {"$max": {"delivered_at": now}, "$unset": {"failing_since": ""}}
        await self._note({"key": endpoint.key}, change)

    async def note_failed(self, key: str, now: datetime) -> None:
        """Note that a try has failed, if it is the first one after a delivery."""
        await self._note({"key": key, "failing_since": None}, {"$set": {"failing_since": now}})

    async def note_missed(self, key: str, first: datetime, last: datetime) -> None:
        """Note that it does not get events of this time. A repeat changes nothing."""
        anew: Document = {
            "$set": {"missed_from": first, "missed_until": last},
            "$unset": {"missed_ended": ""},
        }
        if await self._note({"key": key, "missed_ended": True}, anew):
            return
        await self._note({"key": key}, {"$min": {"missed_from": first}, "$max": {"missed_until": last}})

    async def end_missed(self, endpoint: Endpoint) -> None:
        """The next event that it misses begins a new time, unless it has missed one at this moment."""
        which: Document = {"key": endpoint.key, "missed_until": endpoint.missed_until}
        await self._note(which, {"$set": {"missed_ended": True}})

    async def _note(self, which: Document, change: Document) -> bool:
        with mongo.outages_named():
            return bool((await self._endpoints.update_one(which, change)).matched_count)


def tag(endpoint: Endpoint) -> str:
    """The version for `ETag`. An endpoint that is put again after a deletion has others."""
    return f"{endpoint.version}-{endpoint.key[:MADE_CHARS]}"


def new_key() -> str:
    """The key of a new endpoint."""
    return random_id()


def unknown(endpoint_id: str) -> NotFound:
    """There is no such endpoint."""
    return NotFound(f"there is no endpoint {endpoint_id}", code="endpoint_unknown")


def _document(endpoint: Endpoint) -> Document:
    document: Document = msgspec.structs.asdict(endpoint)
    document["_id"] = document.pop("endpoint_id")
    document["types"] = list(endpoint.types)
    document["secrets"] = [msgspec.structs.asdict(one) for one in endpoint.secrets]
    # `$min` would keep a null, which is less than every time.
    return {name: value for name, value in document.items() if value is not None}


def _endpoint(document: Document) -> Endpoint:
    fields: dict[str, Any] = dict(document)
    fields["endpoint_id"] = fields.pop("_id")
    fields["types"] = tuple(fields["types"])
    fields["secrets"] = tuple(Secret(**one) for one in fields["secrets"])
    return Endpoint(**fields)
