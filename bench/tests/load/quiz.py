"""As much of the quiz service as a sitting sees."""

import json
from collections import Counter
from collections.abc import Sequence
from itertools import count

from bench.tests.load.server import Asked, Reply, http

QUESTIONS = ("q001", "q002", "q017")
# What may stand in a text, and could mislead a reader that looks for keys instead of reading JSON.
MISLEADING = 'an "id":"q999" in a text, }],{ and a \\ at the end \\'


def paper(attempt: str, questions: Sequence[str] = QUESTIONS) -> dict[str, object]:
    """An answer to a start, in the order of the service's fields."""
    options = [{"id": letter, "text": f"氧气 {MISLEADING}"} for letter in "ABCD"]
    return {
        "attempt_id": attempt,
        "attempt_token": f"token-of_{attempt}=",
        "number": 1,
        "started_at": "2023-09-11T00:00:00Z",
        "deadline_at": "2023-09-11T00:20:00Z",
        "questions": [
            {
                "id": question,
                "topic": "生命与健康",
                "kind": "single",
                "text": MISLEADING,
                "options": options,
            }
            for question in questions
        ],
    }


class TinyQuiz:
    """Grades at the third time that somebody asks."""

    def __init__(self, polls_until_graded: int = 3) -> None:
        self.polls_until_graded = polls_until_graded
        self.participants: dict[str, str] = {}
        self.answers: dict[str, dict[str, str]] = {}
        self.polls: Counter[str] = Counter()
        self._numbers = count()

    async def answer(self, asked: Asked) -> Reply:
        match asked.method, asked.path.strip("/").split("/"):
            case "POST", ["quizzes", "contest", "attempts"]:
                attempt = f"attempt-{next(self._numbers)}"
                self.participants[attempt] = asked.token
                return http(201, paper(attempt))
            case "POST", ["attempts", attempt, "submission"]:
                assert asked.token == f"token-of_{attempt}="
                assert attempt not in self.answers
                self.answers[attempt] = json.loads(asked.body)["answers"]
                return http(202, {"receipt_id": f"receipt-of-{attempt}", "attempt_id": attempt})
            case "GET", ["attempts", attempt, "result"]:
                assert asked.token == self.participants[attempt]
                self.polls[attempt] += 1
                graded = self.polls[attempt] >= self.polls_until_graded
                return http(200, {"attempt_id": attempt, "status": "graded" if graded else "pending"})
        return http(404)
