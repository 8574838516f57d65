"""The audit of when results are published: at once, or not before the end of their quiz."""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any, TypeAlias

from ops.audit.findings import Check, compare, true_of_all
from ops.audit.log import Entry

Json: TypeAlias = dict[str, Any]


def published_checks(
    results: Mapping[str, Json],
    quizzes: Mapping[str, Json],
    definitions: Mapping[tuple[str, int], Json],
    erased: Collection[str],
    completed: list[Entry],
) -> list[Check]:
    """Every result is published, once, and not before its quiz shows scores."""
    # An old definition does not say it: it shows scores at once.
    withheld = {
        quiz_id
        for quiz_id, quiz in quizzes.items()
        if definitions[quiz_id, quiz["version"]].get("shows_scores") == "at_close"
    }
    return [
        compare(
            "results are published (quiz.completed)",
            _to_be_published(results, quizzes, withheld, erased, completed),
            (entry.body["result_id"] for entry in completed),
        ),
        true_of_all(
            "withheld results are published after the end of their quiz",
            (e.id for e in completed if e.body["quiz_id"] in withheld and _is_early(e, quizzes)),
            sum(entry.body["quiz_id"] in withheld for entry in completed),
        ),
    ]


def _to_be_published(
    results: Mapping[str, Json],
    quizzes: Mapping[str, Json],
    withheld: Collection[str],
    erased: Collection[str],
    completed: list[Entry],
) -> list[str]:
    """
    All results but those of quizzes that withhold them now.

    Results of the erased are among them only if they were published before quiz heard of the erasure. While a
    quiz is being closed, any part of its results may be published.
    """
    published = {entry.body["result_id"] for entry in completed}
    silent = {quiz_id for quiz_id in withheld if quizzes[quiz_id]["status"] != "closed"}
    telling = {quiz_id for quiz_id in silent if "telling" in quizzes[quiz_id]}
    return [
        id_
        for id_, one in results.items()
        if (id_ in published and one["quiz_id"] not in silent - telling)
        or (one["participant_id"] not in erased and one["quiz_id"] not in silent)
    ]


def _is_early(entry: Entry, quizzes: Mapping[str, Json]) -> bool:
    """True if a result was published before the end of its quiz, which may have been closed early."""
    closes_at: datetime = quizzes[entry.body["quiz_id"]]["closes_at"]
    return datetime.fromtimestamp(entry.time_ms / 1000, UTC) < closes_at
