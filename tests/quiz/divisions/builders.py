"""Results of people in divisions, what their boards must show, and a worker that makes them."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any, NamedTuple

from services.quiz.divisions.boards import Boards
from services.quiz.divisions.compute import LOOP, Builder
from services.quiz.divisions.counting import division_of
from services.quiz.divisions.rules import KINDS, Division
from services.quiz.divisions.store import BOARDS
from services.quiz.participants.rules import Profile, ProfileChange
from services.quiz.standings.rules import Place, Standing
from shared.storage.lease import Lease
from shared.storage.mongo import Database
from tests.quiz.disqualifying.builders import graded
from tests.quiz.parts import Parts

QUIZ: dict[str, Any] = {"attempts_per_day": 3, "duration_seconds": 7_200}
AUDIENCES = ("youth", "workers", "other")


class Sat(NamedTuple):
    """One attempt of somebody."""

    who: str
    number: int
    right: int
    seconds: int
    submitted_at: datetime


def profile_of(n: int) -> Profile:
    """The divisions of the nth person; the small group has three people of a hundred."""
    group = "small" if n % 34 == 5 else f"group-{n % 4}"
    return Profile(group if n % 7 else None, ("华龙区", "范县", "台前县")[n % 3], audience=AUDIENCES[n % 3])


def people_of(number: int) -> dict[str, Profile]:
    return {f"person-{n:03}": profile_of(n) for n in range(number)}


def some_attempts(people: Sequence[str], opens_at: datetime, seed: int) -> list[Sat]:
    """One to three attempts of each, with many ties, also of exactly the same moment."""
    chance = Random(seed)  # noqa: S311 (simulated people)
    return [
        Sat(
            who,
            number,
            chance.randrange(6),
            chance.choice((40, 41, 300)),
            opens_at
            + timedelta(seconds=400 * number + chance.randrange(60), milliseconds=chance.randrange(2)),
        )
        for who in people
        for number in range(1, chance.randrange(2, 5))
    ]


async def know(parts: Parts, people: Mapping[str, Profile], version: int = 1) -> None:
    await parts.stores.participants.save({who: ProfileChange(version, one) for who, one in people.items()})


async def sit(parts: Parts, attempts: Sequence[Sat]) -> None:
    """Let all of them be graded."""
    await graded(
        parts,
        [
            parts.submission(
                one.who,
                right=one.right,
                number=one.number,
                seconds=one.seconds,
                submitted_at=one.submitted_at,
            )
            for one in attempts
        ],
    )


Shown = list[tuple[int, str, float]]


def expected(
    attempts: Sequence[Sat], people: Mapping[str, Profile], ties: str = "time_used", counts: str = "best"
) -> dict[Division, Shown]:
    """By division, the rank, person and points of each row: counted one by one, from the rules in words."""

    def decides(one: Sat) -> tuple[Any, ...]:
        """Lower is better; equal ones share a rank."""
        return {
            "time_used": (-one.right, one.seconds),
            "earlier_finish": (-one.right, one.submitted_at),
            "shared": (-one.right,),
        }[ties]

    def listed(one: Sat) -> tuple[Any, ...]:
        low = (one.submitted_at, one.seconds) if ties == "earlier_finish" else (one.seconds, one.submitted_at)
        return -one.right, *low, one.who

    ranked: dict[str, Sat] = {}
    for one in attempts:
        other = ranked.get(one.who, one)
        better = {
            "best": listed(one) < listed(other),
            "first": one.submitted_at < other.submitted_at,
            "last": one.submitted_at > other.submitted_at,
        }[counts]
        ranked[one.who] = one if better else other
    boards: dict[Division, list[Sat]] = {}
    for who, sat in ranked.items():
        for kind in KINDS:
            if who in people and (name := division_of(people[who], kind)):
                boards.setdefault(Division(kind, name), []).append(sat)
    return {
        division: [
            (1 + sum(decides(other) < decides(one) for other in rows), one.who, float(one.right))
            for one in sorted(rows, key=listed)
        ]
        for division, rows in boards.items()
    }


def builder(parts: Parts, lease: Lease | None = None, **changes: Any) -> Builder:
    """A worker that stops after each step of some people, and never rests."""
    stores = parts.stores
    options: dict[str, Any] = {
        "rests": 0,
        "refresh_seconds": 0,
        "share": 1e9,
        "turn_seconds": 0,
        "people_a_step": 30,
    }
    return Builder(
        stores.divisions,
        stores.standings,
        stores.participants,
        stores.disqualified,
        parts.catalogue,
        lease or Lease(stores.database, LOOP, owner="tests"),
        **(options | changes),
    )


async def make(parts: Parts, worker: Builder | None = None) -> None:
    """Let a worker make boards once, as of now."""
    await parts.catalogue.refresh()
    divisions, one = parts.stores.divisions, worker or builder(parts)
    before = (await divisions.state(parts.quiz_id)).version
    while (await divisions.state(parts.quiz_id)).version == before:
        await one.go_on(parts.quiz_id)


async def shown(parts: Parts, limit: int = 7) -> dict[Division, Shown]:
    """All that the boards show, read in pages."""
    record = (await parts.catalogue.look_up(parts.quiz_id)).record
    state, boards = await parts.stores.divisions.state(parts.quiz_id), Boards(parts.stores.divisions)
    found: dict[Division, Shown] = {}
    for kind in KINDS:
        for board in (await boards.table(parts.quiz_id, state, kind)).values():
            rows: list[Standing] = []
            after: Place | None = None
            while not rows or after is not None:
                page, after = await boards.page(record, state, board, after, limit)
                rows += page
            assert len(rows) == board.people
            found[Division(kind, board.name)] = [_row(one) for one in rows]
    return found


async def own(parts: Parts, who: str) -> dict[Division, tuple[int, str, float]]:
    """Where somebody stands, as they read it."""
    record = (await parts.catalogue.look_up(parts.quiz_id)).record
    divisions = parts.stores.divisions
    places = await Boards(divisions).own(record, await divisions.state(parts.quiz_id), who)
    return {Division(board.kind, board.name): _row(standing) for board, standing in places}


def _row(one: Standing) -> tuple[int, str, float]:
    return one.rank, one.participant_id, one.parts.half_points / 2


async def names(database: Database, quiz_id: str) -> set[str]:
    """The names under which boards of a quiz are stored."""
    ids = [one["_id"] async for one in database[BOARDS].find({}, {"_id": 1})]
    return {id_.split("/")[1] for id_ in ids if id_.startswith(f"{quiz_id}/")}
