"""Answer sheets of simulated people, for the tests of fair play."""

import random
from collections.abc import Callable, Sequence
from math import exp
from uuid import UUID

from services.quiz.fair_play.rules import FALSE_PAIRS_MAX, Strongest
from services.quiz.fair_play.sheets import Answers, Book, Pair, Paper, pairs_of
from services.quiz.quizzes.keys import AS_DEFINED, keyed
from services.quiz.quizzes.papers import draw, paper_number
from services.quiz.quizzes.questions import Question
from services.quiz.quizzes.rules import Quiz
from services.quiz.results.rules import Sheet
from services.quiz.scoring.rules import HALF_POINTS_A_QUESTION, grade, packed
from tests.quiz.builders import question, quiz

QUIZ = "quiz-1"
Answer = Callable[[Question], str | None]


def contest(questions: int = 120, a_paper: int = 40, papers: int = 16) -> Quiz:
    """Four options a question; the right one is A."""
    return quiz(
        papers=papers,
        blueprint={"天文": a_paper},
        questions=tuple(question(number, "天文") for number in range(questions)),
    )


class Crowd:
    """People who answer by skill, by how hard a question is, and by how tempting its wrong options are."""

    def __init__(self, of: Quiz, seed: int, quiz_id: str = QUIZ, easiness: float = 0.5) -> None:
        self.chance = random.Random(seed)  # noqa: S311 (no secret)
        self.of = of
        self._quiz_id = quiz_id
        self._easy = {one.id: self.chance.gauss(easiness, 1.0) for one in of.questions}
        self._tempting = {one.id: [self.chance.random() + 0.1 for _ in "BCD"] for one in of.questions}
        self._number = 0

    def wrong(self, question_id: str) -> str:
        """A wrong answer to a question."""
        return self.chance.choices("BCD", self._tempting[question_id])[0]

    def honest(self, skill: float) -> Answer:
        """Answers by this skill."""

        def answer(of: Question) -> str | None:
            right = 1 / (1 + exp(-skill - self._easy[of.id]))
            return "A" if self.chance.random() < right else self.wrong(of.id)

        return answer

    def sheet(
        self, answer: Answer | None = None, *, paper: int | None = None, group_id: str | None = None
    ) -> Sheet:
        """The sheet of the next person, with a certain paper or any."""
        answer = answer or self.honest(self.chance.gauss(0, 1.0))
        while True:
            attempt_id = str(UUID(int=self.chance.getrandbits(128)))
            if paper is None or paper_number(attempt_id, self.of.papers) == paper:
                break
        questions = draw(self._quiz_id, self.of, paper_number(attempt_id, self.of.papers))
        key = [keyed(one) for one in questions]
        answers = {one.id: given for one in questions if (given := answer(one)) is not None}
        self._number += 1
        who = f"person-{self._number}"
        half_points, most = grade(answers, key), HALF_POINTS_A_QUESTION * len(key)
        return Sheet(attempt_id, 1, who, group_id, half_points, most, 600, packed(answers, key))

    def copy(self, sheet: Sheet, share: float = 1.0) -> Sheet:
        """Somebody with the same paper who copies so many of the answers."""
        paper = paper_number(sheet.attempt_id, self.of.papers)
        questions = draw(self._quiz_id, self.of, paper)
        given = dict(zip((one.id for one in questions), sheet.answers.split(","), strict=True))
        own = self.honest(self.chance.gauss(0, 1.0))

        def answer(of: Question) -> str | None:
            return given[of.id] if self.chance.random() < share else own(of)

        return self.sheet(answer, paper=paper)


def found_in(of: Quiz, sheets: Sequence[Sheet], quiz_id: str = QUIZ) -> list[Pair]:
    """The pairs that are flagged, by the same rules as in the background, all at once."""
    book = Book(quiz_id, {1: of}, AS_DEFINED)
    book.count(sheets)
    papers: dict[tuple[int, int], list[Sheet]] = {}
    classes: dict[str, Answers] = {}
    for sheet in sheets:
        papers.setdefault(book.number(sheet), []).append(sheet)
        if sheet.group_id:
            wrong = book.wrong(sheet)
            classes.setdefault(sheet.group_id, Answers()).add(book.paper(book.number(sheet)), wrong)
    chance_max = FALSE_PAIRS_MAX / sum(pairs_of(len(some)) for some in papers.values())
    kept: Strongest[Pair] = Strongest(10_000)
    for some in papers.values():
        for step in Paper(book, some, chance_max).pairs():
            for pair in step:
                ids = "/".join(sorted((pair.one.attempt_id, pair.other.attempt_id)))
                kept.add(-pair.chance, ids, pair)
    final = []
    for pair in kept.all():
        group = pair.one.group_id
        if group is not None and group == pair.other.group_id:
            again = book.compare(pair.one, pair.other, classes[group])
            if again is None or again.chance > chance_max:
                continue
        final.append(pair)
    return final
