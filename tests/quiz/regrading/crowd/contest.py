"""
The contest of the crowd, and its rules as the documents tell them: papers, points, order. Nothing of the
services' code is used here, since check.py computes everything anew by these functions.

Sources: the description of `quiz.published`, docs/decisions/0010-scoring.md, 0020-points.md,
0054-corrections.md
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, TypeAlias
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

Json: TypeAlias = dict[str, Any]

QUIZ = "crowd-contest"
PAPERS = 40
PASS_PERCENT = 60
# Published with every quiz: `attempt_ids`.
ATTEMPT_IDS = UUID("6f2a0a3e-8b56-5c0e-9d0c-0b7f4a1c2e55")
# By topic: the kind of its questions, the beginning of their ids, how many there are.
BANK = {"天文": ("single", "s", 12), "健康": ("multiple", "m", 10), "环境": ("true_false", "t", 8)}
BLUEPRINT = {"天文": 4, "健康": 4, "环境": 2}
KEYS = {"s": ("A", "C", "D", "B"), "m": ("AC", "ABD", "B", "BCD", "AD"), "t": ("A", "B")}
# An order has 9 bits of half points, 17 of seconds left, 35 of milliseconds left.
SECONDS_MAX, FINISH_MAX = 2**17 - 1, 2**35 - 1
A_POINT = 2


@dataclass(frozen=True, slots=True)
class Correction:
    """A new key of a question; None cancels it."""

    question_id: str
    key: str | None


# Some letters of a multiple choice more, and a question that nobody can answer.
FIRST, SECOND = Correction("m3", "ABCD"), Correction("s2", None)


@dataclass(frozen=True, slots=True)
class Sheet:
    """An attempt that another system submits."""

    attempt_id: str
    participant_id: str
    number: int
    started_at: datetime
    submitted_at: datetime
    answers: dict[str, str]


def definition(now: datetime, zone: str, grace_seconds: int) -> Json:
    """The quiz as an organiser puts it: open since the day before yesterday, for anyone."""
    return {
        "title": "科普知识竞赛",
        "opens_at": (now - timedelta(days=2)).isoformat(),
        "closes_at": (now + timedelta(hours=6)).isoformat(),
        "timezone": zone,
        "duration_seconds": 86_400,
        "grace_seconds": grace_seconds,
        "attempts_per_day": 2,
        "admits": "anyone",
        "shows_scores": "at_once",
        "pass_percent": PASS_PERCENT,
        "papers": PAPERS,
        "blueprint": BLUEPRINT,
        "questions": list(_questions()),
    }


def _questions() -> Iterator[Json]:
    for topic, (kind, word, count) in BANK.items():
        for number in range(count):
            yield {
                "id": f"{word}{number}",
                "topic": topic,
                "kind": kind,
                "text": f"{topic}第{number}题？",
                "options": [{"id": one, "text": f"{topic}{number}{one}"} for one in letters_of(word)],
                "key": KEYS[word][number % len(KEYS[word])],
            }


def letters_of(question_id: str) -> str:
    """The letters of a question's options."""
    return "AB" if question_id.startswith("t") else "ABCD"


class Rules:
    """
    What the quiz says, and its corrections in order.

    Args:
        quiz: the definition. Papers follow from its questions, points from its keys.
    """

    def __init__(self, quiz: Json, corrections: Sequence[Correction] = ()) -> None:
        self.quiz = quiz
        self.zone = ZoneInfo(quiz["timezone"])
        self.opens_at = datetime.fromisoformat(quiz["opens_at"])
        self.half_points_max: int = A_POINT * sum(quiz["blueprint"].values())
        self._several = {one["id"] for one in quiz["questions"] if one["kind"] == "multiple"}
        keys: dict[str, str | None] = {one["id"]: one["key"] for one in quiz["questions"]}
        # The keys after so many corrections.
        self.keys = [dict(keys)]
        for one in corrections:
            keys[one.question_id] = one.key
            self.keys.append(dict(keys))
        self._papers = [self._draw(number) for number in range(quiz["papers"])]

    def _draw(self, number: int) -> tuple[str, ...]:
        drawn: list[str] = []
        for topic, count in self.quiz["blueprint"].items():
            ids = [one["id"] for one in self.quiz["questions"] if one["topic"] == topic]
            drawn += sorted(ids, key=lambda id_: sha256(f"{QUIZ}/{number}/{id_}".encode()).digest())[:count]
        return tuple(drawn)

    def attempt_id(self, participant_id: str, started_at: datetime, number: int) -> str:
        """The id of an attempt."""
        day = started_at.astimezone(self.zone).date().isoformat()
        return str(uuid5(ATTEMPT_IDS, f"{QUIZ}/{participant_id}/{day}/{number}"))

    def paper(self, attempt_id: str) -> tuple[str, ...]:
        """The questions of an attempt."""
        return self._papers[UUID(attempt_id).int % len(self._papers)]

    def half_points(self, attempt_id: str, answers: Mapping[str, str], corrections: int) -> int:
        """The half points of an attempt by the keys after so many corrections."""
        keys, sum_ = self.keys[corrections], 0
        for id_ in self.paper(attempt_id):
            key, chosen = keys[id_], set(answers.get(id_, ""))
            if key is None or chosen == set(key):
                sum_ += 2
            elif id_ in self._several and chosen and chosen < set(key):
                sum_ += 1
        return sum_

    def passes(self, half_points: int, percent: int = PASS_PERCENT) -> bool:
        """True if these points reach a share."""
        return 100 * half_points >= percent * self.half_points_max

    def percent(self, half_points: int) -> int:
        """The points as they are shown: rounded down."""
        return 100 * half_points // self.half_points_max

    def order(self, half_points: int, seconds: int, finished_at: datetime) -> int:
        """The number by which standings are ordered."""
        finish = (finished_at - self.opens_at) // timedelta(milliseconds=1)
        return (half_points << 52) | ((SECONDS_MAX - seconds) << 35) | (FINISH_MAX - finish)


def half_points_in(order: int) -> int:
    """The half points in an order."""
    return order >> 52


def seconds_in(order: int) -> int:
    """The seconds used in an order."""
    return SECONDS_MAX - ((order >> 35) & SECONDS_MAX)


def ranks(orders: Mapping[str, int]) -> dict[str, int]:
    """By participant the rank: one more than the number of those with more points, or equal ones sooner."""
    found: dict[str, int] = {}
    rank, last = 0, -1
    for place, who in enumerate(sorted(orders, key=orders.__getitem__, reverse=True), 1):
        mark = orders[who] >> 35
        if mark != last:
            rank, last = place, mark
        found[who] = rank
    return found


def person(number: int) -> str:
    """A participant's id."""
    return str(uuid5(ATTEMPT_IDS, f"a person of the crowd/{number}"))


def sheets(rules: Rules, people: int, now: datetime, chance: random.Random) -> Iterator[Sheet]:
    """
    What the crowd answers: of six people three have one attempt, two have two, one has three.

    Some of them began yesterday.
    """
    today, yesterday = now - timedelta(hours=2), now - timedelta(hours=20)
    tries = [(today, 1)], [(yesterday, 1), (today, 1)], [(yesterday, 1), (today, 1), (today, 2)]
    for place in range(people):
        who, skill = person(place), chance.uniform(0.3, 0.97)
        for begin, number in tries[(0, 0, 0, 1, 1, 2)[place % 6]]:
            started_at = begin + timedelta(seconds=place % 600)
            started_at = started_at.replace(microsecond=1_000 * (place % 997))
            submitted_at = started_at + timedelta(seconds=chance.randint(60, 1_200), milliseconds=place % 89)
            id_ = rules.attempt_id(who, started_at, number)
            yield Sheet(id_, who, number, started_at, submitted_at, filled_in(rules, id_, skill, chance))


def filled_in(rules: Rules, attempt_id: str, skill: float, chance: random.Random) -> dict[str, str]:
    """Answers of somebody who knows this share, guesses most of the rest, and leaves some out."""
    answers: dict[str, str] = {}
    for id_ in rules.paper(attempt_id):
        key = rules.keys[0][id_]
        if key is not None and chance.random() < skill:
            answers[id_] = key
        elif chance.random() < 0.9:
            count = chance.randint(1, 4) if id_.startswith("m") else 1
            answers[id_] = "".join(sorted(chance.sample(letters_of(id_), count)))
    return answers
