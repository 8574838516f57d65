"""The audit of ceremonies: what was handed over was held and is published, and who came was let in."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from ops.audit.findings import Check, compare, true_of_all
from ops.audit.log import Entry, Log
from shared.storage.mongo import Database

Json: TypeAlias = dict[str, Any]
STATE = ("version", "award_code", "scheme_id", "recipient_id", "ceremony_id", "by_proxy", "handed_over")
# A request reads the time before its transaction; a revocation at the same moment may end first.
AT_ONCE = timedelta(seconds=15)
# Awards keeps check-ins for 30 days. The server deletes them some minutes late, and services learn late.
SURELY_KEPT = timedelta(days=29)


async def audit_ceremonies(log: Log, database: Database) -> list[Check]:
    """Compare what was handed over, and who was there, with the log."""
    events = log.events("award.handed_over")
    stored = {one["_id"]: one async for one in database["handed_over"].find()}
    latest: dict[str, Json] = {}
    for event in events:
        before = latest.get(event.body["award_id"])
        if before is None or event.body["version"] > before["version"]:
            latest[event.body["award_id"]] = event.body
    arrivals = {one["_id"]: one async for one in database["arrivals"].find()}
    return [
        compare(
            "awards handed over are published (award.handed_over)",
            (f"{id_}/{n}" for id_, one in stored.items() for n in range(1, one["version"] + 1)),
            (f"{event.body['award_id']}/{event.body['version']}" for event in events),
        ),
        true_of_all(
            "what is noted as handed over is what was published last",
            (
                id_
                for id_, one in stored.items()
                if [one[name] for name in STATE] != [latest.get(id_, {}).get(name) for name in STATE]
            ),
            len(stored),
        ),
        true_of_all("awards handed over were held", not_held(log, events), len(events)),
        true_of_all("who is there is whom registration let in", _misplaced(log, arrivals), len(arrivals)),
    ]


def not_held(log: Log, events: list[Entry]) -> Iterator[str]:
    """The events about awards that were not held at that time, or are of another recipient or scheme."""
    marked = {event.body["award_id"] for event in events}
    changes: dict[str, list[tuple[int, datetime, Json | None]]] = {id_: [] for id_ in marked}
    for topic, field in (("award.issued", "issued_at"), ("award.revoked", "revoked_at")):
        for event in log.events(topic):
            if (body := event.body)["award_id"] in marked:
                held = body if topic == "award.issued" else None
                at = datetime.fromisoformat(body[field])
                changes[body["award_id"]].append((body["version"], at, held))
    for event in events:
        known = sorted(changes[event.body["award_id"]], key=lambda one: one[0])
        if event.body["handed_over"] and not _held_at(event.body, known):
            yield event.body["award_id"]


def _held_at(marked: Json, known: Sequence[tuple[int, datetime, Json | None]]) -> bool:
    """Whether it was held at that time, by the changes of the award in order."""
    at = datetime.fromisoformat(marked["at"])
    for place, (_, since, held) in enumerate(known):
        ends = known[place + 1][1] + AT_ONCE if place + 1 < len(known) else at
        if held and since <= at + AT_ONCE and at <= ends:
            return all(held[name] == marked[name] for name in ("award_code", "scheme_id", "recipient_id"))
    return False


def _misplaced(log: Log, arrivals: Mapping[str, Json]) -> Iterator[str]:
    """The registrations whose check-in awards has otherwise than registration has published it."""
    latest: dict[str, tuple[Json, bool, int]] = {}
    for topic in ("registration.checked_in", "registration.check_in_undone"):
        for event in log.events(topic):
            before = latest.get(event.body["registration_id"])
            if before is None or event.body["version"] > before[0]["version"]:
                here = topic == "registration.checked_in"
                latest[event.body["registration_id"]] = event.body, here, event.time_ms
    erased = {event.key for event in log.events("participant.erased")}
    newest = max((time_ms for *_, time_ms in latest.values()), default=0)
    for id_, (body, here, time_ms) in latest.items():
        stored = arrivals.get(id_)
        if body["participant_id"] in erased:
            if stored is not None:
                yield id_
        elif stored is None:
            if newest - time_ms < SURELY_KEPT.total_seconds() * 1_000:
                yield id_
        elif (stored["here"], stored["version"], stored["participant_id"], stored["session_id"]) != (
            here,
            body["version"],
            body["participant_id"],
            body["session_id"],
        ):
            yield id_
    yield from arrivals.keys() - latest.keys()
