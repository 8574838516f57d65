"""Numbers in the guides' sentences are those of the code."""

from pathlib import Path

import pytest

from ops.documents.guarantees import with_values
from shared.contracts import topics
from shared.contracts.events import QuizSubmitted

ROOT = Path(__file__).parents[2]
# {place:NAME} stands for the value of that constant; ops/documents/finding.py looks it up.
SAID = [
    (
        "ARCHITECTURE.md",
        "takes up to {shared/messaging:ConsumerPolicy.batch_events_max} submissions as a batch",
    ),
    ("docs/integrating.md", "at most {shared/contracts:HEADERS_MAX} headers"),
    ("docs/integrating.md", "a body of {shared/contracts:LIST_BYTES_MAX}"),
    (
        "docs/integrating.md",
        "A batch has at most {shared/messaging:DECOMPRESSED_BYTES_MAX} before compression",
    ),
    ("docs/integrating.md", "A transaction may be open for {ops/stack:TRANSACTION_MS_MAX}"),
    ("docs/integrating.md", "appended the record more than {quiz:LOG_DELAY_SECONDS_MAX} after them"),
    (
        "docs/organising.md",
        "from {registration:CHECK_IN_BEFORE} before the session until {registration:CHECK_IN_AFTER} after it",
    ),
    ("docs/organising.md", "lists the first {shared/contracts:STANDINGS_MAX} standings"),
    (
        "docs/operating.md",
        "starts again within {shared/messaging:ConsumerPolicy.session_seconds}, no partition moves",
    ),
    ("docs/operating.md", "Topics keep them for {shared/contracts:WEEKS_KEPT}"),
    (
        "docs/operating.md",
        "they are kept {shared/contracts:ERASURE_DAYS_LONGER} longer than any other topic",
    ),
]


def words(text: str) -> str:
    """The text on one line."""
    return " ".join(text.split())


@pytest.mark.parametrize(("guide", "sentence"), SAID, ids=lambda value: value[:40])
def test_a_sentence_has_the_value_of_the_code(guide: str, sentence: str) -> None:
    assert with_values(sentence) in words((ROOT / guide).read_text())


def test_as_many_workers_grade_as_there_are_partitions() -> None:
    topic = next(topic for topic in topics.LIVE if topic.name == QuizSubmitted.topic)
    said = f"up to {topic.partitions}, the partitions of `quiz.submitted`"
    assert said in words((ROOT / "docs/operating.md").read_text())
