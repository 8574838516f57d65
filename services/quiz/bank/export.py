"""Questions leave the bank: as a file, or as the questions of a quiz."""

import asyncio
from collections.abc import Mapping, Sequence

from services.quiz.bank.check import Defaults, check_question
from services.quiz.bank.rules import BankQuestion, Entry, for_quiz, written
from services.quiz.bank.store import BankStore, Wanted
from services.quiz.bank.turns import BankTurns
from services.quiz.formats.read import read_file
from services.quiz.formats.rules import QUESTIONS_A_FILE_MAX, Format
from services.quiz.formats.write import write_file
from services.quiz.quizzes.questions import Question
from shared.runtime import clock
from shared.runtime.errors import Rejected

# The ids that a refusal names.
NAMED_MAX = 10
# What Aiken has no place for.
NOT_IN_AIKEN = ("id", "topic", "difficulty", "explanation", "source")

EXAMPLES: tuple[BankQuestion, ...] = (
    BankQuestion.model_validate(
        {
            "id": "example-1",
            "topic": "生命与健康",
            "difficulty": "easy",
            "kind": "single",
            "text": "植物进行光合作用时释放的气体是？",
            "options": [
                {"id": "A", "text": "氮气"},
                {"id": "B", "text": "氧气"},
                {"id": "C", "text": "氢气"},
            ],
            "key": "B",
            "explanation": "光合作用吸收二氧化碳，释放氧气。",
            "source": "义务教育生物学课程标准",
        }
    ),
    BankQuestion.model_validate(
        {
            "id": "example-2",
            "topic": "天文",
            "difficulty": "medium",
            "kind": "multiple",
            "text": "下列哪些是行星？",
            "options": [
                {"id": "A", "text": "水星"},
                {"id": "B", "text": "月球"},
                {"id": "C", "text": "火星"},
            ],
            "key": "AC",
        }
    ),
    BankQuestion.model_validate(
        {
            "id": "example-3",
            "topic": "天文",
            "difficulty": "easy",
            "kind": "true_false",
            "text": "月球自己会发光。",
            "options": [{"id": "A", "text": "正确"}, {"id": "B", "text": "错误"}],
            "key": "B",
        }
    ),
)


class Exports:
    """Writes files, and takes questions for quizzes. Both take turns, from the first query on."""

    def __init__(self, bank: BankStore, turns: BankTurns) -> None:
        self._bank = bank
        self._turns = turns

    async def file(self, who: str, wanted: Wanted, kind: Format) -> bytes:
        """
        A file with all these questions.

        Raises:
            Overloaded: this key has too many files under way.
            Rejected: they are too many, there are none, or the format cannot hold some of them: what would be
                read from the file is not the same.
        """
        async with self._turns.turn(who):
            entries = await self._bank.page(wanted, None, QUESTIONS_A_FILE_MAX + 1)
            if len(entries) > QUESTIONS_A_FILE_MAX:
                raise Rejected(
                    f"a file has at most {QUESTIONS_A_FILE_MAX} questions; name a topic or a difficulty",
                    code="export_too_long",
                    most=QUESTIONS_A_FILE_MAX,
                )
            if not entries:
                raise Rejected("there are no such questions", code="export_empty")
            return await _written([entry.question for entry in entries], kind)

    async def template(self, who: str, kind: Format) -> bytes:
        """
        A file with examples of what this format can hold.

        Raises:
            Overloaded: this key has too many files under way.
        """
        async with self._turns.turn(who):
            return await _written(
                [one for one in EXAMPLES if kind != "aiken" or one.kind != "multiple"], kind
            )

    async def for_quiz(self, who: str, versions: Mapping[str, int | None]) -> list[Question]:
        """
        These questions as the `questions` of a quiz.

        Args:
            versions: by their ids; None: the present one.
        Raises:
            NotFound, Conflict, Outdated: one cannot be taken.
            Overloaded: this key has too much under way.
        """
        async with self._turns.turn(who):
            entries = await self._bank.read_these(versions)
            return await asyncio.to_thread(_for_quiz, entries, versions)


def _for_quiz(entries: Mapping[str, Entry], versions: Mapping[str, int | None]) -> list[Question]:
    return [
        for_quiz(entries.get(question_id), question_id, version) for question_id, version in versions.items()
    ]


async def _written(questions: Sequence[BankQuestion], kind: Format) -> bytes:
    # Topics together, as most formats say a topic once for all questions after it.
    ordered = sorted(questions, key=lambda one: (one.topic, one.id))
    return await asyncio.to_thread(_checked_file, ordered, kind)


def _checked_file(questions: Sequence[BankQuestion], kind: Format) -> bytes:
    """
    The file, once it was read again and said the same.

    Raises:
        Rejected: the format cannot hold some questions.
    """
    content = _file(questions, kind)
    if _read_again(content, kind, questions):
        return content
    lost = [one.id for one in questions if not _read_again(_file([one], kind), kind, [one])]
    raise Rejected(
        f"{kind} cannot hold {len(lost)} of these questions, such as {', '.join(lost[:NAMED_MAX])}",
        code="format_cannot_hold",
        format=kind,
        count=len(lost),
        question_ids=", ".join(lost[:NAMED_MAX]),
    )


def _file(questions: Sequence[BankQuestion], kind: Format) -> bytes:
    return asyncio.run(write_file([written(one) for one in questions], kind))


def _read_again(content: bytes, kind: Format, questions: Sequence[BankQuestion]) -> bool:
    parsed = read_file(content, kind)
    if parsed.problems or len(parsed.drafted) != len(questions):
        return False
    now = clock.now()
    for drafted, question in zip(parsed.drafted, questions, strict=True):
        defaults = Defaults(topic=question.topic) if kind == "aiken" else Defaults()
        _, found = check_question(drafted, defaults, now)
        if found is not None and kind == "aiken":
            found = found.model_copy(update={name: getattr(question, name) for name in NOT_IN_AIKEN})
        if found != question:
            return False
    return True
