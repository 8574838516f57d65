"""Registration audited: outcomes told and stored, places never sold twice, the waiting list in order."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from ops.audit.findings import Check, compare, kept, true_of_all
from ops.audit.log import Entry, Log, conforms
from ops.demo.ledger import Promise
from shared.contracts.envelope import event_id
from shared.contracts.events import ParticipantJoined, RegistrationRejected, RegistrationRequested
from shared.storage.mongo import Database

Json: TypeAlias = dict[str, Any]
TOPIC, GROUP = "registration.requested", "registration-requests"
OUTCOMES = ("confirmed", "waitlisted", "cancelled", "checked_in")
HOLDING = ("confirmed", "checked_in")


async def audit_registration(log: Log, database: Database, promises: list[Promise]) -> list[Check]:
    """Compare requests, outcomes, sessions and participants."""
    registrations = {one["_id"]: one async for one in database["registrations"].find()}
    sessions = {one["_id"]: one async for one in database["sessions"].find()}
    participants = [one async for one in database["participants"].find()]
    refusals = [one["_id"] async for one in database["requests"].find({"verdict": "rejected"})]
    outcomes = [event for outcome in OUTCOMES for event in log.events(f"registration.{outcome}")]
    good = [entry for entry in log.events(TOPIC) if conforms(entry, RegistrationRequested)]
    bad = [entry.place for entry in log.records(TOPIC) if not conforms(entry, RegistrationRequested)]
    return [
        kept("registrations acknowledged are stored", _promised(promises, "registered"), registrations),
        compare("refused commands are dead-lettered", bad, set(log.origins(TOPIC, GROUP))),
        kept("commands have an outcome", _asked(good), _answered(log)),
        compare("outcomes are told", registrations, {e.body["registration_id"] for e in outcomes}),
        true_of_all(
            "every step of a registration is told once",
            _missteps(outcomes, registrations),
            len(registrations),
        ),
        compare(
            "refusals are told (registration.rejected)",
            (event_id(request, RegistrationRejected.type) for request in refusals),
            (event.id for event in log.events("registration.rejected")),
        ),
        true_of_all(
            "the last outcome told is what is stored", _stale(outcomes, registrations), len(registrations)
        ),
        true_of_all("no session is oversold", _oversold(sessions, registrations), len(sessions)),
        true_of_all("waiting lists are in order", _out_of_order(registrations), len(sessions)),
        compare(
            "participants are told (participant.joined)",
            _joined(participants),
            (event.id for event in log.events("participant.joined")),
        ),
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


def _joined(participants: list[Json]) -> Iterator[str]:
    """A participant is told of once for each version of the profile."""
    for one in participants:
        for version in range(1, one["version"] + 1):
            yield event_id(f"{one['_id']}/{version}", ParticipantJoined.type)


def _missteps(outcomes: list[Entry], registrations: Mapping[str, Json]) -> Iterator[str]:
    """
    Each time of asking begins with a place or a wait, only who waits moves up, and a
    cancellation comes before asking again.
    """
    steps: Counter[tuple[str, str]] = Counter()
    tickets: Counter[tuple[str, str]] = Counter()
    others: set[str] = set()
    for event in outcomes:
        id_, step = event.body["registration_id"], event.topic.removeprefix("registration.")
        steps[id_, "promoted" if event.body.get("promoted") else step] += 1
        if step == "confirmed":
            tickets[id_, event.body["ticket_code"]] += 1
        stored = registrations.get(id_, event.body)
        if any(event.body[name] != stored[name] for name in ("participant_id", "session_id")):
            others.add(id_)
    for id_, one in registrations.items():
        told = {
            step: steps[id_, step]
            for step in ("confirmed", "waitlisted", "promoted", "cancelled", "checked_in")
        }
        right = (
            told["confirmed"] + told["waitlisted"] == one["round"]
            and told["promoted"] <= told["waitlisted"]
            and told["cancelled"] == one["round"] - (one["status"] != "cancelled")
            and told["checked_in"] == (one["status"] == "checked_in")
            and (one["ticket_code"] is None or tickets[id_, one["ticket_code"]] == 1)
            and (one["ticket_code"] is not None or one["status"] not in HOLDING)
        )
        if not right or id_ in others:
            yield id_


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
