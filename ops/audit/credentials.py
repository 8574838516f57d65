"""The audit of credentials: each has a place of its own, and the published lists say what the log says."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from typing import Any, TypeAlias

import httpx

from ops.audit.findings import Check, compare, true_of_all
from ops.audit.log import Log
from ops.deployment.description import Apis
from shared.credentials.status_list import LENGTH, decoded, is_set
from shared.storage.mongo import Database

Json: TypeAlias = dict[str, Any]
ReadList = Callable[[int], Awaitable[Json | None]]
"""A published status list by its number; None if nobody publishes it."""

READ_SECONDS_MAX = 10.0
# A process gives the same list for so long. After this time the list is read once more.
LOOK_AGAIN_SECONDS = 11.0


async def audit_credentials(
    log: Log, database: Database, read: ReadList, look_again_seconds: float = LOOK_AGAIN_SECONDS
) -> list[Check]:
    """Compare places in the database, and the lists that everybody can read, with the events of awards."""
    entries = {
        f"{award['_id']}/{entry['version']}": (award["_id"], entry["version"], entry["place"])
        async for award in database["awards"].find({"credentials": {"$exists": True}}, {"credentials": 1})
        for entry in award["credentials"]
    }
    issued = {(event.body["award_id"], event.body["version"]) for event in log.events("award.issued")}
    latest: dict[str, int] = {}
    for topic in ("award.issued", "award.revoked"):
        for event in log.events(topic):
            award_id = event.body["award_id"]
            latest[award_id] = max(event.body["version"], latest.get(award_id, 0))
    places = [str(place) for _, _, place in entries.values()]
    lists = [one["_id"] async for one in database["status_lists"].find({}, {"_id": 1})]
    changed = {place for award_id, version, place in entries.values() if version < latest.get(award_id, 0)}
    wrong = [name async for name in _misread(lists, changed, read, look_again_seconds)]
    return [
        true_of_all(
            "credentials are of versions that were issued",
            (name for name, (award_id, version, _) in entries.items() if (award_id, version) not in issued),
            len(entries),
        ),
        compare("credentials have places of their own", set(places), places),
        true_of_all("status lists say what is revoked", wrong, len(entries)),
    ]


def reader_of(apis: Apis) -> ReadList:
    """Reads the lists of a deployment. If awards does not answer, or signs no credentials, there are none."""

    async def read(number: int) -> Json | None:
        if "awards" not in apis.urls:
            return None
        async with httpx.AsyncClient(timeout=READ_SECONDS_MAX) as client:
            try:
                answer = await client.get(f"{apis.awards}/credentials/status/{number}")
            except httpx.TransportError:
                return None
        found: Json | None = answer.json() if answer.is_success else None
        return found

    return read


async def _misread(
    lists: list[int], changed: set[int], read: ReadList, look_again_seconds: float
) -> AsyncIterator[str]:
    """The places whose bit is not what it should be."""
    for number in lists:
        expected = {place for place in changed if place // LENGTH == number}
        found = await read(number)
        if found is not None and _set_in(found, number) != expected:
            await asyncio.sleep(look_again_seconds)
            found = await read(number)
        if found is not None:
            for place in sorted(_set_in(found, number) ^ expected):
                yield str(place)


def _set_in(status_list: Mapping[str, Any], number: int) -> set[int]:
    return set(_places_set(status_list, number))


def _places_set(status_list: Mapping[str, Any], number: int) -> Iterator[int]:
    bits = decoded(status_list["credentialSubject"]["encodedList"])
    yield from (number * LENGTH + place for place in range(LENGTH) if is_set(bits, place))
