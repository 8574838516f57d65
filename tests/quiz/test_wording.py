"""Every refusal that people may see has Chinese words."""

import re
from pathlib import Path

from services.quiz.attempts import wording as attempts
from services.quiz.participants import wording as participants
from services.quiz.quizzes import wording as quizzes
from services.quiz.review import wording as review
from services.quiz.standings import wording as standings

SOURCE = Path(__file__).parents[2] / "services" / "quiz"
# Of the log alone: they end in dead letters, which operators read.
OF_THE_LOG = {"times_impossible", "paper_empty", "bad_body"}
# Of all services: shared/web has their words.
SHARED = {"invalid", "token_missing"}


def test_every_code_of_a_refusal_has_chinese_words_and_no_others_have() -> None:
    found: set[str] = set()
    for file in SOURCE.rglob("*.py"):
        found.update(
            re.findall(r'(?:code=|QUIZ_CHANGED = |PydanticCustomError\(\s*)"([a-z_]+)"', file.read_text())
        )
    rooms = (attempts, participants, quizzes, review, standings)
    worded = [code for room in rooms for code in room.CHINESE]
    assert sorted(found - OF_THE_LOG - SHARED) == sorted(worded)
