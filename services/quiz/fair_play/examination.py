"""
One examination of a quiz, in steps of some milliseconds: reads all its sheets, and says what is flagged.

Memory is bounded: sheets are read once to count what was answered, and then again in parts, each with some of
the papers, and after that with some of the addresses. What is found stays in memory until the end.
"""

from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from math import log10
from typing import NamedTuple

from services.quiz.attempts.store import AttemptStore
from services.quiz.fair_play.rules import (
    CROWD_WINDOW,
    FALSE_PAIRS_MAX,
    FLAGS_A_KIND_MAX,
    IDENTICAL_MIN,
    KINDS,
    AlikeFigures,
    Flag,
    Kind,
    Person,
    Shares,
    Strongest,
    busiest,
    flag_id,
    flag_of_crowd,
    flags_of_time,
)
from services.quiz.fair_play.sheets import Answers, Book, Pair, Paper, pairs_of
from services.quiz.fair_play.store import Found
from services.quiz.participants.erased import Erased
from services.quiz.participants.store import ParticipantStore
from services.quiz.quizzes.catalogue import Catalogue
from services.quiz.quizzes.rules import Quiz
from services.quiz.results.rules import Portion, Sheet
from services.quiz.results.store import ResultStore

# Sheets in memory: about 100 MB. If there are more, the quiz is read several times.
SHEETS_MAX = 150_000
# Pairs that are kept until all is read.
CANDIDATES_MAX = 2_000
# An attempt is compared with this many that were started after it at the same address or device.
NEAR_STARTS = 50
# Sheets of one query by their ids.
SHEETS_A_QUERY = 500
# A pair at one address is kept until the end if chance explains it worse than this.
NEAR_CHANCE_MAX = 1e-3
# Sheets that are counted in one step: some milliseconds.
SHEETS_A_STEP = 100
# Chance is never 0: it is only too small for a float.
CHANCE_MIN = 1e-300

Start = tuple[datetime, Person]


class Reads(NamedTuple):
    """Where an examination reads."""

    results: ResultStore
    attempts: AttemptStore
    participants: ParticipantStore
    catalogue: Catalogue
    erased: Erased


class _Candidate(NamedTuple):
    pair: Pair
    shares: Shares
    is_near: bool


class Examination:
    """
    An examination.

    Args:
        portions: of all results.
        sheets_max: this many sheets may be in memory.

    Attributes:
        percent: how much of it is done.
        found: the numbers of what was looked at; set at the end.
    """

    def __init__(
        self, quiz_id: str, reads: Reads, portions: Sequence[Portion], sheets_max: int = SHEETS_MAX
    ) -> None:
        self.percent = 0
        self.found = Found()
        self._quiz_id = quiz_id
        self._reads = reads
        self._portions = portions
        self._sheets_max = sheets_max
        self._quizzes: dict[int, Quiz] = {}
        self._book = Book(quiz_id, self._quizzes, reads.catalogue.find(quiz_id).keys)
        self._flags: dict[Kind, Strongest[Flag]] = {kind: Strongest(FLAGS_A_KIND_MAX) for kind in KINDS}
        self._candidates: dict[bool, Strongest[_Candidate]] = {
            is_near: Strongest(CANDIDATES_MAX) for is_near in (False, True)
        }
        self._papers: Counter[tuple[int, int]] = Counter()
        self._near_pairs = 0
        self._not_compared = 0
        self._parts = 1
        self._portions_read = 0

    def flags(self) -> list[Flag]:
        """What is flagged, without people who were erased."""
        gone = self._reads.erased.ids
        alive = []
        for flag in (flag for kept in self._flags.values() for flag in kept.all()):
            who = tuple(person for person in flag.who if person.participant_id not in gone)
            if len(who) == len(flag.who):
                alive.append(flag)
        return alive

    async def steps(self) -> AsyncIterator[None]:
        """Examine; a step takes some milliseconds."""
        async for sheets in self._read():
            for begin in range(0, len(sheets), SHEETS_A_STEP):
                self._count(sheets[begin : begin + SHEETS_A_STEP])
                yield
        attempts = self._papers.total()
        self._parts = max(1, -(-attempts // self._sheets_max))
        pairs = sum(map(pairs_of, self._papers.values()))
        for part in range(self._parts):
            async for _ in self._compare(part, FALSE_PAIRS_MAX / max(1, pairs)):
                yield
        for part in range(self._parts):
            async for _ in self._look_at_starts(part):
                yield
        async for _ in self._judge(pairs):
            yield
        left_out: dict[str, int] = {
            kind: kept.left_out for kind, kept in self._flags.items() if kept.left_out
        }
        self.found = Found(attempts, pairs, self._near_pairs, left_out, self._not_compared)

    async def _read(self) -> AsyncIterator[list[Sheet]]:
        for portion in self._portions:
            sheets = await self._reads.results.sheets(self._quiz_id, portion)
            yield await self._alive(sheets)
            self._advance()

    async def _alive(self, sheets: Sequence[Sheet]) -> list[Sheet]:
        """The sheets of people who are not erased. Reads the versions of the quiz that sheets name."""
        for version in {sheet.quiz_version for sheet in sheets} - self._quizzes.keys():
            offered = await self._reads.catalogue.look_up(self._quiz_id, version)
            self._quizzes[version] = offered.record.quiz
        return [sheet for sheet in sheets if sheet.participant_id not in self._reads.erased.ids]

    def _advance(self) -> None:
        self._portions_read += 1
        # Everything is read once to count, twice for each part (sheets and starts), and once for classes.
        self.percent = 100 * self._portions_read // (len(self._portions) * (2 + 2 * self._parts))

    def _count(self, sheets: Sequence[Sheet]) -> None:
        self._book.count(sheets)
        for sheet in sheets:
            self._papers[self._book.number(sheet)] += 1
            quiz = self._quizzes[sheet.quiz_version]
            for flag in flags_of_time(
                self._quiz_id, sheet, quiz.least_plausible_seconds, quiz.questions_a_paper
            ):
                self._flag(flag)

    def _flag(self, flag: Flag) -> None:
        self._flags[flag.kind].add(flag.strength, flag.flag_id, flag)

    async def _compare(self, part: int, chance_max: float) -> AsyncIterator[None]:
        """Compare the sheets of the papers of one part."""
        papers: defaultdict[tuple[int, int], list[Sheet]] = defaultdict(list)
        async for sheets in self._read():
            for sheet in sheets:
                number = self._book.number(sheet)
                if number[1] % self._parts == part:
                    if len(papers[number]) < self._sheets_max:
                        papers[number].append(sheet)
                    else:
                        self._not_compared += 1
            yield
        while papers:
            _, of_paper = papers.popitem()
            if len(of_paper) < 2:
                continue
            for pairs in Paper(self._book, of_paper, chance_max).pairs():
                for pair in pairs:
                    self._keep(_Candidate(pair, "nothing", is_near=False))
                yield

    def _keep(self, candidate: _Candidate) -> None:
        pair = candidate.pair
        id_ = flag_id(self._quiz_id, "answers_alike", *sorted((pair.one.attempt_id, pair.other.attempt_id)))
        self._candidates[candidate.is_near].add(-pair.chance, id_, candidate)

    async def _look_at_starts(self, part: int) -> AsyncIterator[None]:
        """Look at those who started at the same address, or with the same device."""
        cells: defaultdict[tuple[Shares, bytes], list[Start]] = defaultdict(list)
        for portion in self._portions:
            for one in await self._reads.attempts.started_from(self._quiz_id, portion):
                if one.participant_id in self._reads.erased.ids:
                    continue
                start = one.started_at, Person(one.participant_id, one.attempt_id)
                of: tuple[tuple[Shares, bytes | None], ...] = (
                    ("address", one.address_hash),
                    ("device", one.device_hash),
                )
                for shares, hash_ in of:
                    if hash_ and int.from_bytes(hash_) % self._parts == part:
                        cells[shares, hash_].append(start)
            self._advance()
            yield
        runs: list[tuple[Shares, list[Start]]] = []
        waiting = 0
        while cells:
            (shares, hash_), starts = cells.popitem()
            starts.sort(key=lambda start: (start[0], start[1].attempt_id))
            await self._look_at_crowd(shares, hash_, starts)
            for begin in range(0, len(starts) - 1, SHEETS_A_QUERY - NEAR_STARTS):
                run = starts[begin : begin + SHEETS_A_QUERY]
                runs.append((shares, run))
                waiting += len(run)
                if waiting >= SHEETS_A_QUERY:
                    async for _ in self._compare_runs(runs):
                        yield
                    runs, waiting = [], 0
        async for _ in self._compare_runs(runs):
            yield

    async def _look_at_crowd(self, shares: Shares, hash_: bytes, starts: Sequence[Start]) -> None:
        is_device = shares == "device"
        there = busiest(starts, starts[-1][0] - starts[0][0] if is_device else CROWD_WINDOW)
        people = [person.participant_id for _, person in there]
        groups: dict[str, str | None] = {}
        for begin in range(0, len(people), SHEETS_A_QUERY) if len(people) > 1 else ():
            profiles = await self._reads.participants.profiles(people[begin : begin + SHEETS_A_QUERY])
            groups |= {who: profile.group_id for who, profile in profiles.items()}
        kind: Kind = "same_device" if is_device else "same_address"
        if flag := flag_of_crowd(self._quiz_id, kind, hash_.hex(), there, groups):
            self._flag(flag)

    async def _compare_runs(self, runs: Sequence[tuple[Shares, list[Start]]]) -> AsyncIterator[None]:
        """Compare the attempts of each run with those that were started soon after."""
        ids = [person.attempt_id for _, run in runs for _, person in run]
        sheets: dict[str, Sheet] = {}
        for begin in range(0, len(ids), SHEETS_A_QUERY):
            found = await self._alive(
                await self._reads.results.sheets_of(ids[begin : begin + SHEETS_A_QUERY])
            )
            sheets |= {sheet.attempt_id: sheet for sheet in found}
        for shares, run in runs:
            there = [sheet for _, person in run if (sheet := sheets.get(person.attempt_id))]
            wrong = {sheet.attempt_id: frozenset(self._book.wrong(sheet)) for sheet in there}
            is_last = len(run) < SHEETS_A_QUERY
            for place, one in enumerate(there if is_last else there[: SHEETS_A_QUERY - NEAR_STARTS]):
                for other in there[place + 1 : place + 1 + NEAR_STARTS]:
                    if one.participant_id == other.participant_id:
                        continue
                    self._near_pairs += 1
                    if len(wrong[one.attempt_id] & wrong[other.attempt_id]) >= IDENTICAL_MIN:
                        pair = self._book.compare(one, other)
                        if pair is not None and pair.chance <= NEAR_CHANCE_MAX:
                            self._keep(_Candidate(pair, shares, is_near=True))
                yield

    async def _judge(self, pairs: int) -> AsyncIterator[None]:
        """Flag the pairs that chance explains too badly, also if their class is taken into account."""
        limits = {False: (pairs, FALSE_PAIRS_MAX / max(1, pairs))}
        limits[True] = self._near_pairs, FALSE_PAIRS_MAX / max(1, self._near_pairs)
        # Pairs that share an address or a device come first: their flag says so.
        left = [
            one
            for is_near in (True, False)
            for one in self._candidates[is_near].all()
            if one.pair.chance <= limits[is_near][1]
        ]
        shared = {_class_of(one.pair) for one in left} - {None}
        classes: dict[str, Answers] = {group: Answers() for group in shared if group}
        async for _ in self._count_classes(classes):
            yield
        for one in left:
            pair, is_class = one.pair, False
            if group := _class_of(pair):
                again = self._book.compare(pair.one, pair.other, classes[group])
                is_class = True
                if again is None or again.chance > limits[one.is_near][1]:
                    continue
                pair = again
            compared, chance_max = limits[one.is_near]
            self._flag(
                _flag_of_pair(self._quiz_id, pair, one.shares, compared, chance_max, is_class=is_class)
            )
            yield

    async def _count_classes(self, classes: Mapping[str, Answers]) -> AsyncIterator[None]:
        if not classes:
            return
        async for sheets in self._read():
            for sheet in sheets:
                if sheet.group_id and (answers := classes.get(sheet.group_id)):
                    answers.add(self._book.paper(self._book.number(sheet)), self._book.wrong(sheet))
            yield


def _class_of(pair: Pair) -> str | None:
    return pair.one.group_id if pair.one.group_id == pair.other.group_id else None


def _flag_of_pair(
    quiz_id: str, pair: Pair, shares: Shares, compared: int, chance_max: float, *, is_class: bool
) -> Flag:
    both = sorted(
        (Person(one.participant_id, one.attempt_id) for one in (pair.one, pair.other)), key=_attempt
    )
    in_order = both[0].attempt_id == pair.one.attempt_id
    figures = AlikeFigures(
        identical=pair.identical,
        expected=round(pair.expected, 2),
        questions=pair.questions,
        wrong=pair.wrong if in_order else (pair.wrong[1], pair.wrong[0]),
        chance=pair.chance,
        chance_max=chance_max,
        pairs=compared,
        is_class=is_class,
        shares=shares,
    )
    id_ = flag_id(quiz_id, "answers_alike", both[0].attempt_id, both[1].attempt_id)
    strength = round(-log10(max(pair.chance, CHANCE_MIN)), 3)
    return Flag(id_, quiz_id, "answers_alike", strength, tuple(both), figures)


def _attempt(person: Person) -> str:
    return person.attempt_id
