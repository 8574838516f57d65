"""Registration audited: outcomes told and stored, places never sold twice, the waiting list in order."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from ops.audit.findings import Check, compare, kept, true_of_all
from ops.audit.log import Entry, Log, conforms
from ops.demo.ledger import Promise
from shared.events import RegistrationRequested
from shared.mongo import Database

Json: TypeAlias = dict[str, Any]
TOPIC, GROUP = "registration.requested", "registration-requests"
OUTCOMES = ("confirmed", "waitlisted", "cancelled", "checked_in")
HOLDING = ("confirmed", "checked_in")


async def audit_registration(log: Log, database: Database, promises: list[Promise]) -> list[Check]:
    """Compare requests, outcomes, sessions and participants."""
    registrations = {one["_id"]: one async for one in database["registrations"].find()}
    sessions = {one["_id"]: one async for one in database["sessions"].find()}
    participants = [one["_id"] async for one in database["participants"].find()]
    outcomes = [event for outcome in OUTCOMES for event in log.events(f"registration.{outcome}")]
    good = [entry for entry in log.events(TOPIC) if conforms(entry, RegistrationRequested)]
    bad = [entry.place for entry in log.records(TOPIC) if not conforms(entry, RegistrationRequested)]
    return [
        kept("registrations acknowledged are stored", _promised(promises, "registered"), registrations),
        compare("refused commands are dead-lettered", bad, set(log.origins(TOPIC, GROUP))),
        kept("commands have an outcome", _asked(good), _answered(log)),
        compare("outcomes are told", registrations, {e.body["registration_id"] for e in outcomes}),
        true_of_all("no outcome is told twice", _told_twice(log), len(outcomes)),
        true_of_all(
            "the last outcome told is what is stored", _stale(outcomes, registrations), len(registrations)
        ),
        true_of_all("no session is oversold", _oversold(sessions, registrations), len(sessions)),
        true_of_all("waiting lists are in order", _out_of_order(registrations), len(sessions)),
        kept("participants are told (participant.joined)", participants, _participants(log, "joined")),
        true_of_all(
            "cancellations and check-ins acknowledged hold",
            _broken(promises, registrations),
            sum(promise.kind in ("cancelled", "checked_in") for promise in promises),
        ),
    ]


def _promised(promises: list[Promise], kind: str) -> Iterator[str]:
    return (promise.id for promise in promises if promise.kind == kind and promise.id)


def _asked(commands: list[Entry]) -> Iterator[str]:
    return (f"{c.body['participant_id']}/{c.body['request_id']}" for c in commands)


def _answered(log: Log) -> Iterator[str]:
    for outcome in ("confirmed", "waitlisted", "rejected"):
        for event in log.events(f"registration.{outcome}"):
            yield f"{event.body['participant_id']}/{event.body['request_id']}"


def _participants(log: Log, what: str) -> Iterator[str]:
    return (event.body["participant_id"] for event in log.events(f"participant.{what}"))


def _told_twice(log: Log) -> Iterator[str]:
    """A registration is confirmed once for each time of asking, and asking again takes a cancellation."""
    cancelled = Counter(e.body["registration_id"] for e in log.events("registration.cancelled"))
    for outcome in ("confirmed", "waitlisted", "checked_in"):
        told = Counter(e.body["registration_id"] for e in log.events(f"registration.{outcome}"))
        yield from (id_ for id_, count in told.items() if count > 1 + cancelled[id_])


def _stale(outcomes: list[Entry], registrations: Mapping[str, Json]) -> Iterator[str]:
    last: dict[str, tuple[str, int, str]] = {}
    for event in outcomes:
        status = event.topic.removeprefix("registration.")
        # Of two outcomes in the same millisecond the later one in a registration's life is the last.
        told = (
            event.headers["ce_time"],
            ("waitlisted", "confirmed", "checked_in", "cancelled").index(status),
            status,
        )
        id_ = event.body["registration_id"]
        last[id_] = max(told, last.get(id_, told))
    for id_, registration in registrations.items():
        if id_ in last and last[id_][2] != registration["status"]:
            yield id_


def _oversold(sessions: Mapping[str, Json], registrations: Mapping[str, Json]) -> Iterator[str]:
    taken: Counter[str] = Counter()
    waiting: Counter[str] = Counter()
    for one in registrations.values():
        if one["status"] in HOLDING:
            taken[one["session_id"]] += one["places"]
        elif one["status"] == "waitlisted":
            waiting[one["session_id"]] += 1
    for id_, session in sessions.items():
        right = taken[id_] <= session["capacity"] and waiting[id_] <= session["waiting_max"]
        if not right or (taken[id_], waiting[id_]) != (session["taken"], session["waiting"]):
            yield id_


def _out_of_order(registrations: Mapping[str, Json]) -> Iterator[str]:
    """Whoever holds a place asked before everybody who still waits."""
    holding: dict[str, int] = defaultdict(int)
    waiting: dict[str, int] = {}
    for one in registrations.values():
        session = one["session_id"]
        if one["status"] in HOLDING:
            holding[session] = max(holding[session], one["sequence"])
        elif one["status"] == "waitlisted":
            waiting[session] = min(one["sequence"], waiting.get(session, one["sequence"]))
    return (session for session, first in waiting.items() if holding[session] > first)


def _broken(promises: list[Promise], registrations: Mapping[str, Json]) -> Iterator[str]:
    for promise in promises:
        if promise.kind in ("cancelled", "checked_in"):
            registration = registrations.get(promise.id)
            if registration is None or registration["status"] != promise.kind:
                yield promise.id
