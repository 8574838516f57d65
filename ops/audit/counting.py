"""What counts of a quiz: decisions about participants, and final standings, in their highest versions."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from ops.audit.log import Log

Json: TypeAlias = dict[str, Any]
Decisions: TypeAlias = Mapping[tuple[str, str], Json]
"""The latest decision, by quiz and participant."""


def decisions_of(log: Log) -> Decisions:
    """What organisers have decided last."""
    found: dict[tuple[str, str], Json] = {}
    for event in log.events("quiz.disqualification_decided"):
        body = event.body
        whom = body["quiz_id"], body["participant_id"]
        if body["version"] > found.get(whom, {"version": 0})["version"]:
            found[whom] = body
    return found


def counting(results: Iterable[Json], decisions: Decisions) -> Iterator[Json]:
    """The results that count."""
    for result in results:
        decision = decisions.get((result["quiz_id"], result["participant_id"]))
        if decision is None or not (
            decision["disqualified"] or result["result_id"] in decision.get("result_ids", ())
        ):
            yield result


def closings_of_now(log: Log) -> dict[str, Json]:
    """The final standings of each closed quiz."""
    found: dict[str, Json] = {}
    for event in log.events("quiz.closed"):
        body = event.body
        before = found.get(body["quiz_id"])
        if before is None or body.get("version", 1) > before.get("version", 1):
            found[body["quiz_id"]] = body
    return found
