"""
What is flagged, and what a flag says. All functions are pure.

The thresholds are data: each flag shows those that it was made with.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from heapq import heappush, heappushpop
from typing import Generic, Literal, NamedTuple, TypeVar, get_args
from uuid import UUID

import msgspec

from services.quiz.results.rules import Sheet
from shared.runtime.ids import derived_id
from shared.runtime.versions import version_of

Kind = Literal["answers_alike", "same_address", "same_device", "too_fast", "all_right_too_fast"]
KINDS: tuple[Kind, ...] = get_args(Kind)
Verdict = Literal["open", "fair", "unfair"]
Shares = Literal["nothing", "address", "device"]

FLAG_IDS = UUID("d4c6f0a2-6c1b-5b07-9f3e-52d0c3a6b811")
# The strongest flags of a kind in a quiz are kept, up to this number. The others are counted.
FLAGS_A_KIND_MAX = 500
# People whom a flag about many names.
PEOPLE_NAMED_MAX = 100
NOTE_CHARS_MAX = 500
# Hashes of addresses and devices are deleted this long after the close.
TRACES_KEPT = timedelta(weeks=6)

# Of all pairs that are compared in a quiz, chance alone may flag this many.
FALSE_PAIRS_MAX = 0.01
# Fewer identical wrong answers than this are never flagged.
IDENTICAL_MIN = 4
# Starts from one address are counted within this time.
CROWD_WINDOW = timedelta(minutes=10)
# An address is flagged from this number of people on who are there without a class.
CROWD_MIN = 20
# This number of people of one group at an address is a class, which explains why they are there.
CLASS_MIN = 3
# A device is flagged from this number of people on.
DEVICE_PEOPLE_MIN = 4
# Nobody reads a question, and chooses the right answer, in less time.
READING_SECONDS = 1


class Person(msgspec.Struct, frozen=True):
    """Somebody whom a flag is about, with the attempt."""

    participant_id: str
    attempt_id: str


class AlikeFigures(msgspec.Struct, frozen=True, tag="alike"):
    """
    Two attempts with the same wrong answers.

    Attributes:
        identical: questions to which both gave the same wrong answer.
        expected: how many are expected by chance.
        questions: that both have.
        wrong: the wrong answers of each, on the whole paper.
        chance: the probability of so many identical wrong answers, or more; it is flagged up to `chance_max`.
        pairs: that were compared.
        is_class: both are of one group, whose own wrong answers are taken into account.
        shares: what else the two attempts share.
    """

    identical: int
    expected: float
    questions: int
    wrong: tuple[int, int]
    chance: float
    chance_max: float
    pairs: int
    is_class: bool
    shares: Shares


class CrowdFigures(msgspec.Struct, frozen=True, tag="crowd"):
    """
    Many people with one address or one device.

    Attributes:
        people: who started within the time, for a device at all.
        unexplained: of them, those who are not there with a class.
        unexplained_min: from this number on a crowd is flagged.
        first_at, last_at: the first and the last of these starts.
    """

    people: int
    unexplained: int
    unexplained_min: int
    first_at: datetime
    last_at: datetime


class TimeFigures(msgspec.Struct, frozen=True, tag="time"):
    """An attempt that took `seconds`, less than `seconds_min`."""

    seconds: int
    seconds_min: int
    points_percent: int


Figures = AlikeFigures | CrowdFigures | TimeFigures


class Flag(msgspec.Struct, frozen=True):
    """
    Something that a person should look at.

    Attributes:
        strength: orders the flags of one kind; the highest is the most unlikely one.
    """

    flag_id: str
    quiz_id: str
    kind: Kind
    strength: float
    who: tuple[Person, ...]
    figures: Figures


class Judgement(msgspec.Struct, frozen=True):
    """What an organiser thinks of a flag. Nothing follows from it."""

    verdict: Verdict
    note: str
    by: str
    at: datetime


class JudgedFlag(NamedTuple):
    """A flag as it is stored."""

    flag: Flag
    flagged_at: datetime
    judgement: Judgement | None

    @property
    def version(self) -> str:
        """The version of the judgement: another examination changes the figures, but not the version."""
        return version_of(self.judgement)


def flag_id(quiz_id: str, kind: Kind, *cause: str) -> str:
    """The same cause has the same flag, however often a quiz is examined."""
    return derived_id(FLAG_IDS, quiz_id, kind, *cause)


def flag_of_time(quiz_id: str, sheet: Sheet, kind: Kind, seconds_min: int) -> Flag:
    """The flag of an attempt that was too fast."""
    percent = 100 * sheet.half_points // sheet.half_points_max
    figures = TimeFigures(sheet.seconds, seconds_min, percent)
    who = (Person(sheet.participant_id, sheet.attempt_id),)
    id_ = flag_id(quiz_id, kind, sheet.attempt_id)
    return Flag(id_, quiz_id, kind, float(seconds_min - sheet.seconds), who, figures)


def flags_of_time(quiz_id: str, sheet: Sheet, least_seconds: int | None, questions: int) -> list[Flag]:
    """
    The flags that the time of an attempt gives.

    Args:
        least_seconds: the least plausible time of the quiz, if it has one.
    """
    found = []
    if least_seconds is not None and sheet.seconds < least_seconds:
        found.append(flag_of_time(quiz_id, sheet, "too_fast", least_seconds))
    reading = READING_SECONDS * questions
    if sheet.half_points == sheet.half_points_max and sheet.seconds < reading:
        found.append(flag_of_time(quiz_id, sheet, "all_right_too_fast", reading))
    return found


def busiest(starts: Sequence[tuple[datetime, Person]], window: timedelta) -> list[tuple[datetime, Person]]:
    """
    The starts within the window that has most people, the first start of each person.

    Args:
        starts: in the order of time.
    """
    best: tuple[int, int, int] = 0, 0, 0
    inside: Counter[str] = Counter()
    begin = 0
    for end, (at, person) in enumerate(starts):
        inside[person.participant_id] += 1
        while at - starts[begin][0] > window:
            gone = starts[begin][1].participant_id
            inside[gone] -= 1
            if not inside[gone]:
                del inside[gone]
            begin += 1
        if len(inside) > best[0]:
            best = len(inside), begin, end + 1
    firsts: dict[str, tuple[datetime, Person]] = {}
    for one in starts[best[1] : best[2]]:
        firsts.setdefault(one[1].participant_id, one)
    return list(firsts.values())


def unexplained(people: Iterable[str], groups: Mapping[str, str | None]) -> int:
    """How many of these people are not there with a class: `CLASS_MIN` or more people of one group."""
    there = Counter(groups.get(one) for one in people)
    return sum(count for group, count in there.items() if group is None or count < CLASS_MIN)


def flag_of_crowd(
    quiz_id: str,
    kind: Kind,
    cause: str,
    starts: Sequence[tuple[datetime, Person]],
    groups: Mapping[str, str | None],
) -> Flag | None:
    """
    The flag of many people with one address or one device, if they are too many.

    Args:
        cause: what they share, as a hash.
        starts: of each person one, in the order of time.
        groups: of these people, where it is known.
    """
    least = CROWD_MIN if kind == "same_address" else DEVICE_PEOPLE_MIN
    there = [person.participant_id for _, person in starts]
    strangers = unexplained(there, groups) if kind == "same_address" else len(there)
    if strangers < least:
        return None
    figures = CrowdFigures(len(there), strangers, least, starts[0][0], starts[-1][0])
    who = tuple(person for _, person in starts[:PEOPLE_NAMED_MAX])
    return Flag(flag_id(quiz_id, kind, cause), quiz_id, kind, float(strangers), who, figures)


T = TypeVar("T")


class Strongest(Generic[T]):
    """
    The strongest of many, at most `most`; equal ones by their id, so that the order makes no difference.

    Attributes:
        left_out: how many were too many.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: list[tuple[float, str, T]] = []
        self._ids: set[str] = set()
        self.left_out = 0

    def add(self, strength: float, id_: str, one: T) -> None:
        """Keep it if it is among the strongest; one that is there already stays as it is."""
        if id_ in self._ids:
            return
        self._ids.add(id_)
        if len(self._kept) < self._most:
            heappush(self._kept, (strength, id_, one))
            return
        weakest = heappushpop(self._kept, (strength, id_, one))
        self._ids.discard(weakest[1])
        self.left_out += 1

    def all(self) -> list[T]:
        """Those that are kept, the strongest first."""
        return [one for _, _, one in sorted(self._kept, key=lambda kept: (-kept[0], kept[1]))]
