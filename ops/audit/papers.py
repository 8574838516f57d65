"""The paper of an attempt, drawn by the rule in `quiz.published`, without the services' code."""

import hashlib
import uuid
from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]


def paper_of(quiz: Json, attempt_id: str) -> list[Json]:
    """The questions of an attempt, in the order of the quiz's topics."""
    paper = uuid.UUID(attempt_id).int % quiz["papers"]

    def place(question: Json) -> str:
        return hashlib.sha256(f"{quiz['quiz_id']}/{paper}/{question['id']}".encode()).hexdigest()

    drawn: list[Json] = []
    for topic, count in quiz["blueprint"].items():
        drawn += sorted((q for q in quiz["questions"] if q["topic_name"] == topic), key=place)[:count]
    return drawn
