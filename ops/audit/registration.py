"""
The audit of registration: every outcome is stored and published, no place is given twice, waiting lists are
in order.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, TypeAlias

from ops.audit.commands import GROUP, TOPIC, judged_commands
from ops.audit.findings import Check, compare, kept, true_of_all
from ops.audit.log import Entry, Log
from ops.deployment.ledger import Promise
from shared.contracts.envelope import Event, event_id
from shared.contracts.events import (
    ParticipantErased,
    ParticipantJoined,
    RegistrationRejected,
)
from shared.storage.mongo import Database

Json: TypeAlias = dict[str, Any]
STEPS = ("held", "offered", "confirmed", "waitlisted", "cancelled", "checked_in")
# A new time or venue changes a registration too, but not its status. A check-in that is undone changes it
# back.
UNDONE = "check_in_undone"
OUTCOMES = (*STEPS, "moved", UNDONE)
WITH_TICKET = ("confirmed", "checked_in")
HOLDING = ("held", "offered", *WITH_TICKET)
GOING = ("held", "offered", "confirmed", "waitlisted")
# The steps that may follow each step, and "" is the time before the first one. `…_promoted`: the place came
# from the waiting list. The same step again: a group has changed its number of places.
BEGINNINGS = ("held", "confirmed", "waitlisted")
FOLLOWING = {
    "": BEGINNINGS,
    "cancelled": BEGINNINGS,
    "waitlisted": ("waitlisted", "held_promoted", "offered", "confirmed_promoted", "cancelled"),
    "held": ("confirmed", "cancelled"),
    "held_promoted": ("confirmed", "cancelled"),
    "offered": ("confirmed_promoted", "cancelled"),
    "confirmed": ("confirmed", "checked_in", "cancelled"),
    "confirmed_promoted": ("confirmed", "checked_in", "cancelled"),
    "checked_in": (UNDONE,),
    UNDONE: ("checked_in", "cancelled"),
}
SCANS_COMPARED = timedelta(days=60)
# Of each registration.
PEOPLE_IN: list[Json] = [
    {"$match": {"people": {"$gt": 0}}},
    {"$group": {"_id": "$registration_id", "people": {"$sum": "$people"}}},
]


@dataclass(frozen=True, slots=True)
class Stored:
    """
    The content of the database.

    `erased` are participants' ids, `keys` the ids of those with a contact key. `left` are the ids of
    newcomers of whom nothing is stored any more, because they verified no contact. `people_in`: how many
    people of each registration scans have let in.
    """

    registrations: Mapping[str, Json]
    sessions: Mapping[str, Json]
    participants: list[Json]
    erased: Collection[str]
    left: Collection[str]
    keys: list[str]
    refusals: list[str]
    people_in: Mapping[str, int]


async def audit_registration(log: Log, database: Database, promises: list[Promise]) -> list[Check]:
    """Compare requests, outcomes, sessions and participants with the expected ones."""
    participants = [one async for one in database["participants"].find()]
    stored = Stored(
        registrations={one["_id"]: one async for one in database["registrations"].find()},
        sessions={one["_id"]: one async for one in database["sessions"].find()},
        participants=participants,
        erased={one["_id"] for one in participants if one["erased_at"] is not None},
        left={event.key for event in log.events("participant.erased")} - {one["_id"] for one in participants},
        keys=[one["_id"] async for one in database["contact_keys"].find({}, {"_id": 1})],
        refusals=[one["_id"] async for one in database["requests"].find({"verdict": "rejected"})],
        people_in={one["_id"]: one["people"] async for one in database["scans"].aggregate(PEOPLE_IN)},
    )
    return [
        *_requests(log, stored, promises),
        *_outcomes(log, stored),
        *_sessions(log, stored),
        *_participants(log, stored),
        true_of_all(
            "as many people are in as scans have let in, and no more than booked",
            _not_as_scanned(stored),
            len(stored.registrations),
        ),
        true_of_all(
            "cancellations and check-ins acknowledged hold",
            _broken(promises, stored.registrations, _of_those_who_left(log, stored)),
            sum(promise.kind in ("cancelled", "checked_in") for promise in promises),
        ),
    ]


def _requests(log: Log, stored: Stored, promises: list[Promise]) -> Iterator[Check]:
    """Check that every request has its outcome, over HTTP and by events."""
    good, bad = judged_commands(log, {*stored.erased, *stored.left})
    there = stored.registrations.keys() | _of_those_who_left(log, stored)
    yield kept("registrations acknowledged are stored", _promised(promises, "registered"), there)
    yield compare("refused commands are dead-lettered", bad, log.given_up(TOPIC, GROUP, {*bad}))
    yield kept("commands have an outcome", _asked(good), _answered(log))
    yield compare(
        "refusals are published (registration.rejected)",
        (event_id(request, RegistrationRejected.type) for request in stored.refusals),
        (event.id for event in log.events("registration.rejected")),
    )


def _outcomes(log: Log, stored: Stored) -> Iterator[Check]:
    """Check that there is one event for every step of every registration."""
    registrations = stored.registrations
    told = [event for outcome in OUTCOMES for event in log.events(f"registration.{outcome}")]
    outcomes = [event for event in told if event.body["participant_id"] not in stored.left]
    yield compare("outcomes are published", registrations, {e.body["registration_id"] for e in outcomes})
    yield true_of_all(
        "every step of a registration is published once",
        _missteps(outcomes, registrations, stored.erased),
        len(registrations),
    )
    yield compare(
        "every version of a registration is published once",
        (f"{id_}/{n}" for id_, one in registrations.items() for n in range(1, one["version"] + 1)),
        (f"{e.body['registration_id']}/{e.body['version']}" for e in outcomes),
    )
    yield true_of_all(
        "the last outcome published is what is stored", _stale(outcomes, registrations), len(registrations)
    )
    gone = {id_: {"status": "cancelled"} for id_ in _of_those_who_left(log, stored)}
    yield true_of_all("whoever has left has given everything back", _stale(told, gone), len(gone))


def _sessions(log: Log, stored: Stored) -> Iterator[Check]:
    """Check places, waiting lists, and the events and notices about sessions."""
    sessions, registrations = stored.sessions, stored.registrations
    yield compare(
        "every change of a session is published once",
        (f"{id_}/{n}" for id_, one in sessions.items() for n in range(1, one.get("revision", 0) + 1)),
        (
            f"{event.body['session_id']}/{event.body['version']}"
            for word in ("published", "changed", "cancelled")
            for event in log.events(f"session.{word}")
        ),
    )
    yield true_of_all("no session is oversold", _oversold(sessions, registrations), len(sessions))
    yield true_of_all("waiting lists are in order", _out_of_order(sessions, registrations), len(sessions))
    yield true_of_all(
        "people know where their session is now",
        _uninformed(sessions, registrations, stored.erased),
        len(registrations),
    )


def _participants(log: Log, stored: Stored) -> Iterator[Check]:
    """Profiles, erasures and keys."""
    participants, erased = stored.participants, stored.erased
    yield compare(
        "participants are published (participant.joined)",
        _joined(participants),
        (e.id for e in log.events("participant.joined") if e.body["participant_id"] not in stored.left),
    )
    yield compare(
        "erasures are published (participant.erased)",
        (_id_of_event(one, ParticipantErased) for one in participants if one["_id"] in erased),
        (e.id for e in log.events("participant.erased") if e.key not in stored.left),
    )
    yield kept(
        # With the first profile, and no more: a profile may change, and its key stays.
        "the key of each is published (participant.keyed)",
        (one["_id"] for one in participants),
        (event.body["participant_id"] for event in log.events("participant.keyed")),
    )
    yield compare(
        "participants have a key, and the erased none",
        (one["_id"] for one in participants if one["_id"] not in erased),
        stored.keys,
    )


def _of_those_who_left(log: Log, stored: Stored) -> set[str]:
    """The ids of the registrations of those of whom nothing is stored any more."""
    told = (event for step in BEGINNINGS for event in log.events(f"registration.{step}"))
    return {event.body["registration_id"] for event in told if event.body["participant_id"] in stored.left}


def _promised(promises: list[Promise], kind: str) -> Iterator[str]:
    return (promise.id for promise in promises if promise.kind == kind and promise.id)


def _asked(commands: list[Entry]) -> Iterator[str]:
    return (f"{one.text('participant_id')}/{one.text('request_id')}" for one in commands)


def _answered(log: Log) -> Iterator[str]:
    for outcome in ("held", "confirmed", "waitlisted", "rejected"):
        for event in log.events(f"registration.{outcome}"):
            yield f"{event.body['participant_id']}/{event.body['request_id']}"


def _joined(participants: list[Json]) -> Iterator[str]:
    """An event for each version of a profile, except the last version of an erased one."""
    for one in participants:
        for version in range(1, one["version"] + (one["erased_at"] is None)):
            yield event_id(f"{one['_id']}/{version}", ParticipantJoined.type)


def _id_of_event(participant: Json, contract: type[Event]) -> str:
    return event_id(f"{participant['_id']}/{participant['version']}", contract.type)


def _uninformed(
    sessions: Mapping[str, Json], registrations: Mapping[str, Json], erased: Collection[str]
) -> Iterator[str]:
    for id_, one in registrations.items():
        session = sessions[one["session_id"]]
        goes = one["status"] in GOING and one["participant_id"] not in erased
        if goes and (one["told_version"] != session["version"] or session["cancelled"] is not None):
            yield id_


def _missteps(
    outcomes: list[Entry], registrations: Mapping[str, Json], erased: Collection[str]
) -> Iterator[str]:
    """
    The registrations with events in an impossible order.

    `FOLLOWING` says which are possible. A round begins with a place or a wait, and is cancelled before the
    next one begins.
    """
    steps: dict[str, list[tuple[int, str]]] = defaultdict(list)
    # By registration and version.
    tickets: dict[tuple[str, int], str] = {}
    others: set[str] = set()
    for event in outcomes:
        id_, step = event.body["registration_id"], event.topic.removeprefix("registration.")
        if step in STEPS or step == UNDONE:
            steps[id_].append((event.body["version"], _step(step, event.body)))
        if step == "confirmed":
            tickets[id_, event.body["version"]] = event.body["ticket_sealed"]
        stored = registrations.get(id_, event.body)
        if any(event.body[name] != stored[name] for name in ("participant_id", "session_id")):
            others.add(id_)
    for id_, one in registrations.items():
        ordered = sorted(steps[id_])
        in_order = ["", *(step for _, step in ordered)]
        # A ticket is given at the first of several steps in a row that say "confirmed".
        given = [
            tickets[id_, version]
            for before, (version, step) in zip(in_order, ordered, strict=False)
            if step.startswith("confirmed") and not before.startswith("confirmed")
        ]
        holds = one["status"] in WITH_TICKET and one["participant_id"] not in erased
        right = (
            all(after in FOLLOWING[before] for before, after in pairwise(in_order))
            and sum(before in ("", "cancelled") for before in in_order[:-1]) == one["round"]
            and (one["ticket_locked"] is None or given.count(one["ticket_locked"]) == 1)
            and (one["ticket_locked"] is not None or not holds)
        )
        if not right or id_ in others:
            yield id_


def _step(step: str, body: Json) -> str:
    return f"{step}_promoted" if body.get("promoted") else step


def _stale(outcomes: list[Entry], registrations: Mapping[str, Json]) -> Iterator[str]:
    last: dict[str, tuple[int, str]] = {}
    for event in outcomes:
        step = event.topic.removeprefix("registration.")
        status = "confirmed" if step == UNDONE else step
        if status in STEPS:
            id_, published = event.body["registration_id"], (event.body["version"], status)
            last[id_] = max(published, last.get(id_, published))
    for id_, registration in registrations.items():
        if id_ in last and last[id_][1] != registration["status"]:
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


def _out_of_order(sessions: Mapping[str, Json], registrations: Mapping[str, Json]) -> Iterator[str]:
    """
    Sessions where somebody waits who asked before somebody who has a place.

    With the policy `fill` that is right. A property test proves its bound (tests/registration/booking).
    """
    holding: dict[str, int] = defaultdict(int)
    waiting: dict[str, int] = {}
    for one in registrations.values():
        session = one["session_id"]
        if one["status"] in HOLDING:
            holding[session] = max(holding[session], one["sequence"])
        elif one["status"] == "waitlisted":
            waiting[session] = min(one["sequence"], waiting.get(session, one["sequence"]))
    for session, first in waiting.items():
        if sessions[session].get("waiting_policy", "strict") == "strict" and holding[session] > first:
            yield session


def _not_as_scanned(stored: Stored) -> Iterator[str]:
    # Scans are deleted some weeks after (SCAN_DAYS_KEPT); then nothing is left to compare.
    kept_since = datetime.now(UTC) - SCANS_COMPARED
    for id_, one in stored.registrations.items():
        if stored.sessions[one["session_id"]]["starts_at"] < kept_since:
            continue
        people = stored.people_in.get(id_, 0)
        right = people == one["people_in"] <= one["places"] and (people > 0) == (
            one["status"] == "checked_in"
        )
        if not right:
            yield id_


def _broken(
    promises: list[Promise], registrations: Mapping[str, Json], gone: Collection[str]
) -> Iterator[str]:
    for promise in promises:
        if promise.kind in ("cancelled", "checked_in") and promise.id not in gone:
            registration = registrations.get(promise.id)
            if registration is None or registration["status"] != promise.kind:
                yield promise.id
