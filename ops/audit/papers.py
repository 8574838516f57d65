"""The paper of an attempt, drawn and marked by the rules in `quiz.published`, without the services' code."""

import hashlib
import uuid
from fractions import Fraction
from math import floor
from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]
LINE = ("topic_name", "difficulty", "kind")


def paper_of(quiz: Json, attempt_id: str) -> list[Json]:
    """The questions of an attempt, in the order of the quiz's topics."""
    paper = uuid.UUID(attempt_id).int % quiz["papers"]

    def place(question: Json) -> str:
        return hashlib.sha256(f"{quiz['quiz_id']}/{paper}/{question['id']}".encode()).hexdigest()

    drawn: list[Json] = []
    for topic, count in quiz["blueprint"].items():
        drawn += sorted((q for q in quiz["questions"] if q["topic_name"] == topic), key=place)[:count]
    for line in quiz.get("lines", ()):
        asked = {name: line[name] for name in LINE if line.get(name) is not None}
        found = (
            q for q in quiz["questions"] if asked.items() <= {name: q.get(name) for name in LINE}.items()
        )
        drawn += sorted(found, key=place)[: line["count"]]
    return drawn


def points_of(quiz: Json, question: Json, worth: Fraction, letters: str, right: frozenset[str]) -> Fraction:
    """The points of an answer by the rules in `quiz.published`."""
    chosen = frozenset(letters)
    # Of several letters the order does not matter. A single one that stands twice is no answer to be right.
    if chosen == right and (question["kind"] == "multiple" or len(letters) == len(right)):
        return worth
    if not chosen:
        return Fraction(0)
    policy = quiz.get("multiple_choice", "partial") if question["kind"] == "multiple" else "all_or_nothing"
    if chosen - right or policy == "all_or_nothing":
        return -Fraction(quiz.get("wrong_costs", 0))
    share = Fraction(len(chosen), len(right)) if policy == "each_right" else Fraction(1, 2)
    return Fraction(floor(2 * worth * share), 2)
