"""
The audit of names on awards: awards has heard of everybody, shows names as their holders have chosen, and has
nothing of the erased. And of the profiles that awards counts by in statistics.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any, TypeAlias

from ops.audit.findings import Check, kept, true_of_all
from ops.audit.log import Entry, Log
from ops.deployment.databases import Databases

Json: TypeAlias = dict[str, Any]
TOPIC = "participant.named"
# How a name is shown of which nobody has chosen anything.
AT_FIRST = {"person": "masked", "group": "full"}
JOINED = "participant.joined"
PROFILE = ("group_id", "district", "audience")
SEALED = ("kind", "shown", "group_id", "district", "name_locked", "address_locked", "key_sealed")


async def audit_names(log: Log, databases: Databases, services: Collection[str]) -> list[Check]:
    """Compare participants and their choices with what awards was told, and with what it has stored."""
    told = _latest(log)
    people = [one async for one in databases.registration["participants"].find({"erased_at": None})]
    chosen = {one["_id"]: one.get("shown") async for one in databases.registration["award_names"].find()}
    erased = {event.key for event in log.events("participant.erased")}
    checks = [
        kept(
            "awards hears of everybody who takes part (participant.named)",
            (one["_id"] for one in people),
            (id_ for id_, entry in told.items() if entry.body.get("key_sealed")),
        ),
        true_of_all(
            "names are shown as their holders have chosen",
            (
                one["_id"]
                for one in people
                if one["_id"] in told
                and told[one["_id"]].body["shown"] != (chosen.get(one["_id"]) or AT_FIRST[one["kind"]])
            ),
            len(people),
        ),
        true_of_all(
            "the names of the erased are destroyed in the log",
            (id_ for id_ in erased if id_ in told and told[id_].body.get("key_sealed") is not None),
            len(erased),
        ),
    ]
    if "awards" in services:
        stored = {one["_id"]: one async for one in databases.awards["names"].find()}
        checks.append(
            true_of_all("awards has the names that it was told of", _differing(told, stored), len(told))
        )
        joined = _latest(log, JOINED)
        known = {one["_id"]: one async for one in databases.awards["participants"].find()}
        checks.append(
            true_of_all(
                "awards counts people by their latest profiles", wrong_profiles(joined, known), len(joined)
            )
        )
    return checks


def wrong_profiles(joined: Mapping[str, Entry], known: Mapping[str, Json]) -> Iterator[str]:
    """Who has another group, district or audience in awards than was published last; or any, if erased."""
    for id_, entry in joined.items():
        found = known.get(id_, {})
        if "erased" in found:
            if any(name in found for name in PROFILE):
                yield id_
        elif any(name not in found or found[name] != entry.body.get(name) for name in PROFILE):
            yield id_


def _latest(log: Log, topic: str = TOPIC) -> Mapping[str, Entry]:
    latest: dict[str, Entry] = {}
    for event in log.events(topic):
        known = latest.get(event.key)
        if known is None or event.body["version"] >= known.body["version"]:
            latest[event.key] = event
    return latest


def _differing(told: Mapping[str, Entry], stored: Mapping[str, Json]) -> Iterator[str]:
    yield from stored.keys() - told.keys()
    for id_, entry in told.items():
        found = stored.get(id_)
        if found is None:
            yield id_
        elif entry.body.get("key_sealed") is None or "erased_at" in found:
            if any(name in found for name in SEALED):
                yield id_
        elif any(found[name] != entry.body.get(name) for name in SEALED):
            yield id_
