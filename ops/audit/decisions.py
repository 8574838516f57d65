"""Whose results do not count, as the log says it, and what of it is stored; without the services' code."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from ops.audit.findings import Check, compare, true_of_all
from ops.audit.log import Log

Json: TypeAlias = dict[str, Any]
States: TypeAlias = Mapping[str, Json]
"""The latest decision, by "quiz/participant"."""
DECIDED, CLOSED = "quiz.disqualification_decided", "quiz.closed"


def states_of_now(log: Log) -> dict[str, Json]:
    """By "quiz/participant", the event with the highest version."""
    bodies = (event.body for event in log.events(DECIDED))
    return _latest((f"{body['quiz_id']}/{body['participant_id']}", body) for body in bodies)


def does_count(states: States, quiz_id: str, participant_id: str, attempt_id: str) -> bool:
    """True if the result of an attempt counts."""
    state = states.get(f"{quiz_id}/{participant_id}")
    return state is None or not (state["disqualified"] or attempt_id in state.get("result_ids", ()))


def counting(results: Iterable[Json], states: States) -> Iterator[Json]:
    """Those of these results that count."""
    for one in results:
        if does_count(states, one["quiz_id"], one["participant_id"], one["result_id"]):
            yield one


def decision_checks(log: Log, stored: Mapping[str, Json], erased: Collection[str]) -> list[Check]:
    """
    Every decision is published once, and says what is stored.

    Args:
        stored: disqualifications, by their ids.
    """
    events = [event.body for event in log.events(DECIDED)]
    return [
        compare(
            "decisions about results are published (quiz.disqualification_decided)",
            (f"{id_}/{n}" for id_, one in stored.items() for n in range(1, len(one["decisions"]) + 1)),
            (
                f"{body['quiz_id']}/{body['participant_id']}/{body['version']}"
                for body in events
                if body["participant_id"] not in erased
            ),
        ),
        true_of_all("decisions are published as they are stored", differing(events, stored), len(events)),
        true_of_all(
            "decisions about the erased are deleted",
            (id_ for id_ in stored if id_.partition("/")[2] in erased),
            len(stored),
        ),
    ]


def last_closings(log: Log) -> dict[str, Json]:
    """By quiz, the closing with the highest version."""
    bodies = (event.body for event in log.events(CLOSED))
    return _latest((body["quiz_id"], body) for body in bodies)


def closing_checks(log: Log, quizzes: Mapping[str, Json]) -> list[Check]:
    """Each version of final standings is published once, and no change waits to be published."""
    closed = {quiz_id: quiz for quiz_id, quiz in quizzes.items() if quiz["status"] == "closed"}
    return [
        compare(
            "closed quizzes are published once",
            (
                f"{quiz_id}/{version}"
                for quiz_id, quiz in closed.items()
                for version in range(1, quiz.get("closing_version", 1) + 1)
            ),
            (f"{e.body['quiz_id']}/{e.body.get('version', 1)}" for e in log.events(CLOSED)),
        ),
        true_of_all(
            "final standings that have changed are published again",
            (quiz_id for quiz_id, quiz in closed.items() if quiz.get("revise_at") is not None),
            len(closed),
        ),
    ]


def _latest(bodies: Iterable[tuple[str, Json]]) -> dict[str, Json]:
    """Of each id the body with the highest version; one without a version is the first."""
    found: dict[str, Json] = {}
    for id_, body in bodies:
        if id_ not in found or body.get("version", 1) > found[id_].get("version", 1):
            found[id_] = body
    return found


def differing(events: list[Json], stored: Mapping[str, Json]) -> Iterator[str]:
    for body in events:
        id_ = f"{body['quiz_id']}/{body['participant_id']}"
        decisions = stored[id_]["decisions"] if id_ in stored else ()
        if len(decisions) < body["version"]:
            # It was deleted with the participant, or the other check names it.
            continue
        decision = decisions[body["version"] - 1]
        said = body["disqualified"], list(body.get("result_ids", ())), body["reason"]
        if said != (decision["whole"], list(decision["attempt_ids"]), decision["reason"]):
            yield f"{id_}/{body['version']}"
