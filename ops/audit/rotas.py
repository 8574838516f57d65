"""
The audit of rotas: every step is published once, no shift has too many people, and everybody knows when and
where the shift is.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping
from itertools import pairwise
from typing import Any, TypeAlias

from ops.audit.findings import Check, compare, kept, true_of_all
from ops.audit.log import Entry, Log
from ops.deployment.ledger import Promise
from shared.storage.mongo import Database

Json: TypeAlias = dict[str, Any]
STEPS = ("volunteered", "assigned", "ended")
# A shift at another time or venue changes an assignment too, but not its status.
OUTCOMES = (*STEPS, "moved")
LIVE = ("volunteered", "assigned")
# The steps that may follow each step, and "" is the time before the first one.
FOLLOWING = {"": LIVE, "volunteered": ("assigned", "ended"), "assigned": ("ended",), "ended": LIVE}


async def audit_rotas(log: Log, database: Database, promises: list[Promise]) -> list[Check]:
    """Compare rotas, assignments, their sessions and their events."""
    sessions = {one["_id"]: one async for one in database["sessions"].find()}
    erased = {
        one["_id"] async for one in database["participants"].find({"erased_at": {"$ne": None}}, {"_id": 1})
    }
    rotas = {one["_id"]: one async for one in database["rotas"].find()}
    assignments = {one["_id"]: one async for one in database["assignments"].find()}
    events = [event for outcome in OUTCOMES for event in log.events(f"shift.{outcome}")]
    last, impossible = _steps(events)
    there = {id_ for id_, one in assignments.items() if one["status"] == "assigned"}
    there |= {id_ for id_, one in assignments.items() if one["participant_id"] in erased}
    return [
        compare(
            "every version of an assignment is published once",
            (f"{id_}/{n}" for id_, one in assignments.items() for n in range(1, one["version"] + 1)),
            (f"{event.body['assignment_id']}/{event.body['version']}" for event in events),
        ),
        true_of_all("steps of assignments are possible", impossible, len(last)),
        true_of_all(
            "the last step of an assignment is what is stored",
            (id_ for id_, step in last.items() if id_ in assignments and assignments[id_]["status"] != step),
            len(last),
        ),
        true_of_all(
            "no shift has more people than it may have",
            _overstaffed(rotas, assignments),
            sum(len(rota["shifts"]) for rota in rotas.values()),
        ),
        true_of_all("rotas follow their sessions", _left_behind(rotas, sessions), len(rotas)),
        true_of_all(
            "people on rotas know when and where, and the erased are on none",
            _uninformed(rotas, assignments, erased),
            len(assignments),
        ),
        kept(
            "who was put on a rota is there",
            (promise.id for promise in promises if promise.kind == "assigned"),
            there,
        ),
    ]


def _steps(events: list[Entry]) -> tuple[dict[str, str], list[str]]:
    """The last step of each assignment, and the assignments with steps in an impossible order."""
    steps: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for event in events:
        step = event.topic.removeprefix("shift.")
        if step in STEPS:
            steps[event.body["assignment_id"]].append((event.body["version"], step))
    in_order = {id_: ["", *(step for _, step in sorted(some))] for id_, some in steps.items()}
    impossible = [
        id_
        for id_, some in in_order.items()
        if any(after not in FOLLOWING[before] for before, after in pairwise(some))
    ]
    return {id_: some[-1] for id_, some in in_order.items()}, impossible


def _overstaffed(rotas: Mapping[str, Json], assignments: Mapping[str, Json]) -> Iterator[str]:
    """Shifts with more people than they may have, or with other numbers than their assignments say."""
    counted = Counter((one["session_id"], one["shift_id"], one["status"]) for one in assignments.values())
    for id_, rota in rotas.items():
        for shift in rota["shifts"]:
            numbers = [counted[id_, shift["shift_id"], status] for status in LIVE]
            if numbers != [shift[status] for status in LIVE] or shift["assigned"] > shift["most"]:
                yield f"{id_}/{shift['shift_id']}"


def _left_behind(rotas: Mapping[str, Json], sessions: Mapping[str, Json]) -> Iterator[str]:
    for id_, rota in rotas.items():
        session = sessions.get(id_)
        closed = session is not None and (session["cancelled"] is not None or session["removed"])
        if session is None or (rota["starts_at"], rota["venue"], rota["closed"]) != (
            session["starts_at"],
            session["venue"],
            closed,
        ):
            yield id_


def _uninformed(
    rotas: Mapping[str, Json], assignments: Mapping[str, Json], erased: Collection[str]
) -> Iterator[str]:
    times = {
        (id_, shift["shift_id"]): (shift["starts_at"], shift["ends_at"], rota["venue"])
        for id_, rota in rotas.items()
        if not rota["closed"]
        for shift in rota["shifts"]
    }
    for id_, one in assignments.items():
        known = one["told_starts_at"], one["told_ends_at"], one["told_venue"]
        if one["status"] in LIVE and (
            one["participant_id"] in erased or times.get((one["session_id"], one["shift_id"])) != known
        ):
            yield id_
