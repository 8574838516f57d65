"""The audit of what was saved: what nobody submitted is handed in, and it is what was saved last."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from ops.audit.findings import Check, compare, true_of_all
from ops.audit.log import Entry
from shared.contracts.events import QuizAnswersSaved

Json: TypeAlias = dict[str, Any]
# Saves are kept for three days. A hand-in of the last day still has its saves in the log.
YOUNG_MS = 86_400_000


def saved_checks(
    good: Collection[Entry],
    saved: Iterable[QuizAnswersSaved],
    quizzes: Mapping[str, Json],
    erased: Collection[str],
) -> Iterator[Check]:
    """
    What was saved, and what was handed in.

    Args:
        good: the submissions that may count.
        saved: the saves that may count, each attempt's in the order of the log.
    """
    last: dict[str, QuizAnswersSaved] = {}
    for one in saved:
        if one.revision > last.setdefault(one.attempt_id, one).revision:
            last[one.attempt_id] = one
    now_ms = max((entry.time_ms for entry in good), default=0)
    submitted: set[str] = set()
    handed_in: dict[str, Json] = {}
    for entry in good:
        body = entry.body
        if not body.get("automatic"):
            submitted.add(body["attempt_id"])
        elif body["attempt_id"] in last or entry.time_ms > now_ms - YOUNG_MS:
            handed_in[body["attempt_id"]] = body

    def is_settled(quiz_id: str, participant_id: str) -> bool:
        return quizzes[quiz_id]["status"] == "closed" and participant_id not in erased

    yield compare(
        "what was saved and not submitted is handed in",
        (
            attempt
            for attempt, one in last.items()
            if attempt not in submitted and is_settled(one.quiz_id, one.participant_id)
        ),
        (
            attempt
            for attempt, body in handed_in.items()
            # If grading was late, a hand-in may stand behind a submission. It changes nothing.
            if attempt not in submitted and is_settled(body["quiz_id"], body["participant_id"])
        ),
    )
    yield true_of_all(
        "what is handed in is what was saved last",
        (
            attempt
            for attempt, body in handed_in.items()
            if attempt not in last or body["answers"] != last[attempt].answers
        ),
        len(handed_in),
    )
