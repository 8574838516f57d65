"""
Make the boards of all divisions in the background, again and again while a quiz is open, and after its close
from the final standings.

One worker at a time reads all standings and profiles, by the ids of people, so that each is read once. Then
it puts them in order, and writes boards under a new name. At the end one write lets them be the boards of
now. So a worker that dies leaves the boards of before, and another one begins again. All quizzes together
take `SHARE` of the time at most: with more people, boards are older.

What is frozen is copied from the boards before, without those who were erased or disqualified since.
"""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from services.quiz.disqualified.store import DisqualifiedStore
from services.quiz.divisions.counting import Board, Counting, Row, division_of
from services.quiz.divisions.rules import KINDS, NEVER_MADE, Division, Kind, State, is_due, is_to_clear
from services.quiz.divisions.store import DivisionStore, Made
from services.quiz.participants.rules import Profile
from services.quiz.participants.store import ParticipantStore
from services.quiz.quizzes.catalogue import Catalogue
from services.quiz.standings.rules import half_points_in
from services.quiz.standings.store import StandingStore
from shared.contracts.events import Ties
from shared.runtime import clock
from shared.runtime.backlog import Backlog
from shared.storage.lease import Lease

log = logging.getLogger(__name__)

LOOP = "divisions"
PEOPLE_A_STEP = 1_000
# In memory, some hundred bytes each. Further ones, by their ids, are on no board.
PEOPLE_MAX = 1_000_000
# Between two steps, so many times as long as a step.
RESTS = 2
# Boards of small quizzes are made anew after this time.
REFRESH_SECONDS = 10.0
# Of the time of one core, for all open quizzes together.
SHARE = 0.05
# After this time others have a turn.
TURN_SECONDS = 1.0


@dataclass(slots=True)
class _Build:
    """Boards that are being made."""

    quiz_id: str
    begun: State
    as_of: datetime
    final: int
    ties: Ties
    steps: AsyncGenerator[bool, None] = field(init=False)
    counting: Counting = field(init=False)
    people: dict[int, list[tuple[Row, Profile]]] = field(default_factory=dict)
    hidden: list[Division] = field(default_factory=list)
    seen: int = 0
    work_seconds: float = 0.0
    _frozen: dict[tuple[Kind, str | None], datetime] = field(init=False)

    @property
    def name(self) -> str:
        return self.begun.building

    def __post_init__(self) -> None:
        # The final standings are frozen nowhere.
        freezes = () if self.final else self.begun.frozen
        self._frozen = {(one.kind, one.name): one.at for one in freezes}

    def frozen_at(self, division: Division) -> datetime | None:
        """Since when a division is frozen, as the state says it, in a moment."""
        if not self._frozen:
            return None
        moments = self._frozen.get((division.kind, None)), self._frozen.get(division)
        return min((at for at in moments if at), default=None)


class Builder:
    """
    Makes boards.

    Args:
        lease: of all workers together; one makes the boards of one quiz at a time.
        rests: how many times as long as the steps the rests between them are.
        share: of the time, at most.
    """

    def __init__(
        self,
        divisions: DivisionStore,
        standings: StandingStore,
        participants: ParticipantStore,
        disqualified: DisqualifiedStore,
        catalogue: Catalogue,
        lease: Lease,
        *,
        rests: float = RESTS,
        refresh_seconds: float = REFRESH_SECONDS,
        share: float = SHARE,
        turn_seconds: float = TURN_SECONDS,
        people_a_step: int = PEOPLE_A_STEP,
    ) -> None:
        self._divisions = divisions
        self._standings = standings
        self._participants = participants
        self._disqualified = disqualified
        self._catalogue = catalogue
        self._lease = lease
        self._rests = rests
        self._refresh_seconds = refresh_seconds
        self._share = share
        self._turn_seconds = turn_seconds
        self._people_a_step = people_a_step
        self._build: _Build | None = None
        self.loop = Backlog(LOOP, self.pending, self.go_on, items_max=1).loop

    async def pending(self, after: str, limit: int) -> list[str]:
        """
        The quiz whose boards are made, or else those that are due; none if another worker has the lease.
        """
        due = [self._build.quiz_id] if self._build else await self._due()
        due = [quiz_id for quiz_id in due if quiz_id > after][:limit]
        if due and not await self._lease.hold():
            await self._drop()
            return []
        return due

    async def go_on(self, quiz_id: str) -> None:
        """Make boards for about a second; when they are complete, let them be those of now."""
        # Until all went well: after an error it begins again.
        build, self._build = self._build, None
        try:
            if build is None or build.quiz_id != quiz_id:
                if build:
                    await build.steps.aclose()
                if (build := await self._begin(quiz_id)) is None:
                    return
            until = time.monotonic() + self._turn_seconds
            while await self._step(build):
                if time.monotonic() > until:
                    self._build = build
                    return
            await self._finish(build)
        finally:
            if build and self._build is not build:
                await build.steps.aclose()

    async def _due(self) -> list[str]:
        states, now = await self._divisions.states(), clock.now()
        records = [one.record for one in self._catalogue.all()]
        return sorted(
            record.quiz_id
            for record in records
            if is_due(record, state := states.get(record.quiz_id, NEVER_MADE), now) or is_to_clear(state, now)
        )

    async def _drop(self) -> None:
        build, self._build = self._build, None
        if build:
            await build.steps.aclose()

    async def _begin(self, quiz_id: str) -> _Build | None:
        record = (await self._catalogue.look_up(quiz_id)).record
        state, now = await self._divisions.state(quiz_id), clock.now()
        if is_to_clear(state, now):
            await self._divisions.clear(quiz_id)
        if not is_due(record, state, now):
            return None
        begun = await self._divisions.begin(quiz_id)
        as_of = clock.now()
        # Before the standings: they have all that this version of the final ones has.
        final = await self._divisions.final_standings(quiz_id)
        build = _Build(quiz_id, begun, as_of, final, record.quiz.ties)
        build.steps = self._steps(build)
        return build

    async def _step(self, build: _Build) -> bool:
        """Do the next step; False if there was none."""
        began = time.monotonic()
        is_left = await anext(build.steps, False)
        build.work_seconds += time.monotonic() - began
        await asyncio.sleep(self._rests * (time.monotonic() - began))
        return is_left

    async def _steps(self, build: _Build) -> AsyncGenerator[bool, None]:
        """Add all rows of all boards, and yield after each step."""
        after = ""
        while build.seen < PEOPLE_MAX:
            page = await self._standings.by_participant(build.quiz_id, after, self._people_a_step)
            if not page:
                break
            after = page[-1][0]
            await self._keep(build, page)
            yield True
        counting = build.counting = Counting(build.ties, build.seen)
        # Of the same points at a time: to put a million people in order at once would keep others waiting.
        for half_points in sorted(build.people, reverse=True):
            people = build.people.pop(half_points)
            people.sort(key=_best_first)
            for begin in range(0, len(people), self._people_a_step):
                for row, profile in people[begin : begin + self._people_a_step]:
                    self._add(build, row, profile)
                await self._divisions.add_pages(build.quiz_id, build.name, counting.full_pages())
                yield True
        decided_at = await self._decided_at(build) if build.begun.frozen else {}
        for kind in KINDS if build.begun.frozen and not build.final else ():
            for board in await self._divisions.table(build.quiz_id, build.begun.boards, kind):
                if (frozen_at := build.frozen_at(division := Division(board.kind, board.name))) is None:
                    continue
                build.hidden += [division] if board.hidden else []
                gone = {who for who, at in decided_at.items() if at > frozen_at}
                for nth in range(len(board.firsts)):
                    await self._copy(build, board, nth, gone)
                    yield True

    async def _keep(self, build: _Build, page: list[tuple[str, int]]) -> None:
        """Remember people with their profiles."""
        profiles = await self._participants.profiles([who for who, _ in page])
        for who, order in page:
            # Whoever has no profile, as in a submission of another system, is in no division.
            if (profile := profiles.get(who)) is not None and not profile.erased:
                # A number of the driver's is larger.
                build.people.setdefault(half_points_in(order), []).append(((who, int(order)), profile))
                build.seen += 1

    def _add(self, build: _Build, row: Row, profile: Profile) -> None:
        counting = build.counting
        counting.know(profile)
        for kind in KINDS:
            name = division_of(profile, kind)
            if name is not None and build.frozen_at(division := Division(kind, name)) is None:
                counting.add(division, row)

    async def _decided_at(self, build: _Build) -> dict[str, datetime]:
        """Those of whom something does not count, and when that was decided."""
        decided = await self._disqualified.of_quiz(build.quiz_id)
        return {
            who: state.decisions[-1].at
            for (_, who), state in decided.items()
            if state.whole or state.attempt_ids
        }

    async def _copy(self, build: _Build, board: Board, nth: int, gone: Collection[str]) -> None:
        """Copy a page of a frozen board."""
        rows = await self._divisions.rows(build.quiz_id, build.begun.boards, board.number, nth)
        profiles = await self._participants.profiles([who for who, _ in rows])
        for row in rows:
            if row[0] not in gone and (profile := profiles.get(row[0])) is not None and not profile.erased:
                build.counting.add(Division(board.kind, board.name), row)
        await self._divisions.add_pages(build.quiz_id, build.name, build.counting.full_pages())

    async def _finish(self, build: _Build) -> None:
        began = time.monotonic()
        quiz_id, name, counting = build.quiz_id, build.name, build.counting
        await self._divisions.add_pages(quiz_id, name, counting.last_pages())
        await self._divisions.add_spots(quiz_id, name, counting.spots())
        # Which boards are hidden may take a while to find out.
        tables = await asyncio.to_thread(counting.tables, build.hidden)
        await self._divisions.add_tables(quiz_id, name, tables)
        build.work_seconds += time.monotonic() - began
        made = Made(
            build.as_of, build.final, counting.buckets, build.work_seconds, await self._again_at(build)
        )
        if not await self._divisions.publish(quiz_id, build.begun, made):
            # Somebody has frozen or thawed meanwhile: begin again.
            await self._divisions.remove(quiz_id, name)
            return
        await self._divisions.clear(quiz_id, replaced=build.begun.boards)
        await self._lease.give_up()
        if build.final:
            log.info("final boards made", extra={"quiz_id": quiz_id, "people": build.seen})

    async def _again_at(self, build: _Build) -> datetime:
        """When the boards are made again, so that all open quizzes together keep to the share."""
        states = await self._divisions.states()
        is_open = [one.record.quiz_id for one in self._catalogue.all() if one.record.status == "open"]
        others = sum(states[one].work_seconds for one in is_open if one in states and one != build.quiz_id)
        rest_seconds = max(self._refresh_seconds, (others + build.work_seconds) / self._share)
        return build.as_of + timedelta(seconds=rest_seconds)


def _best_first(one: tuple[Row, Profile]) -> tuple[int, str]:
    # Those of one order by their ids: the same standings give the same boards.
    (who, order), _ = one
    return -order, who
