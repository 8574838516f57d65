"""Every policy of ties with every attempt that may count, against an oracle that ranks all results."""

import csv
import io
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import chain, product
from random import Random
from typing import Any, get_args

import httpx
import pytest

from services.quiz.attempts.submission import Submission
from services.quiz.closing.events import closed
from services.quiz.standings.aliases import Aliases
from services.quiz.standings.export import StandingFiles
from services.quiz.standings.ranks import Ranks
from shared.contracts.events import Counts, Ties
from shared.runtime import clock
from shared.web.tables import BOM
from tests.quiz.builders import quiz, service
from tests.quiz.parts import Parts, new_parts
from tests.quiz.standings.builders import assert_counted, database_of, graded, stored
from tests.support.service import ORGANISER, code_of
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack

TRIES = 3
POLICIES = list(product(get_args(Ties), get_args(Counts)))
every_policy = pytest.mark.parametrize(("ties", "counts"), POLICIES)
# Points, seconds used, moment of finishing.
Told = tuple[int, int, datetime]


def told(one: Submission) -> Told:
    points = sum(letter == "A" for letter in one.answers.values())
    return points, int((one.submitted_at - one.started_at).total_seconds()), one.submitted_at


def counting(sent: Sequence[Submission], ties: str, counts: str) -> dict[str, Told]:
    """By participant, the attempt that counts."""
    of: dict[str, list[Told]] = {}
    for one in sent:
        of.setdefault(one.participant_id, []).append(told(one))
    chosen: dict[str, Any] = {
        "best": lambda tries: min(tries, key=lambda one: listed_by(one, ties)),
        "first": lambda tries: min(tries, key=lambda one: one[2]),
        "last": lambda tries: max(tries, key=lambda one: one[2]),
    }
    return {who: chosen[counts](tries) for who, tries in of.items()}


def listed_by(one: Told, ties: str) -> tuple[Any, ...]:
    points, seconds, finished = one
    return (-points, finished, seconds) if ties == "earlier_finish" else (-points, seconds, finished)


def ranked_by(one: Told, ties: str) -> tuple[Any, ...]:
    return listed_by(one, ties)[: 1 if ties == "shared" else 2]


def expected(sent: Sequence[Submission], ties: str, counts: str) -> list[tuple[int, str]]:
    """Ranks and participants, the best first."""
    of = counting(sent, ties, counts)
    rows = sorted((listed_by(one, ties), who) for who, one in of.items())
    keys = [ranked_by(one, ties) for one in of.values()]
    return [(1 + sum(key < ranked_by(of[who], ties) for key in keys), who) for _, who in rows]


def crowd(parts: Parts, at: datetime, number: int = 30) -> list[Submission]:
    """Some people with three attempts each; few different points, seconds and moments, so that many tie."""
    chance = Random(11)  # noqa: S311 (no secret)
    sent = []
    for n, number_ in product(range(number), range(1, TRIES + 1)):
        # No two attempts of a person end at the same moment. Some of different people do.
        finish = at + timedelta(milliseconds=10 * chance.randrange(12) + number_)
        points, seconds = chance.randrange(3, 6), chance.choice([60, 61])
        sent.append(
            parts.submission(f"p{n:02}", right=points, seconds=seconds, submitted_at=finish, number=number_)
        )
    chance.shuffle(sent)
    return sent


async def shown(parts: Parts, ties: Ties) -> list[tuple[int, str]]:
    """Ranks and participants as they stand, each rank from the counts."""
    ranks = Ranks(parts.stores.standings, fresh_seconds=0)
    best = await parts.stores.standings.top(parts.quiz_id, 100)
    return [(await ranks.rank(parts.quiz_id, order, ties), who) for who, order in best]


@every_policy
async def test_standings_are_those_of_an_oracle_late_repeated_frozen_and_thawed(
    kafka: str, mongo: str, ties: Ties, counts: Counts
) -> None:
    async with new_parts(kafka, mongo, attempts_per_day=TRIES, ties=ties, counts=counts) as parts:
        now = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=1)
        sent = crowd(parts, now)
        await graded(parts, *sent[:30])
        assert await shown(parts, ties) == expected(sent[:30], ties, counts)
        # The freeze shows what was handed in until then, also if it is graded later.
        frozen_at = now + timedelta(milliseconds=62)
        await parts.freeze(frozen_at)
        await graded(parts, *sent[20:70])
        await graded(parts, *sent[10:])
        before = [one for one in sent if one.submitted_at <= frozen_at]
        first = sent[:30]
        assert {who for _, who in await shown(parts, ties)} >= {one.participant_id for one in before}
        assert await shown(parts, ties) == expected([*before, *first], ties, counts)
        await parts.stores.quizzes.thaw(parts.quiz_id)
        await parts.upkeep.turn()
        assert await shown(parts, ties) == expected(sent, ties, counts)
        await assert_counted(database_of(parts), parts.quiz_id)
        # The close says the same ranks.
        record = parts.catalogue.find(parts.quiz_id).record
        best = await parts.stores.standings.top(parts.quiz_id, 100)
        event = closed(record, best, len(best), clock.now()).event
        said = [(one.rank, one.participant_id) for one in event.standings]
        assert said == expected(sent, ties, counts)
        of = counting(sent, ties, counts)
        assert [(one.points, one.time_used_seconds) for one in event.standings] == [
            of[one.participant_id][:2] for one in event.standings
        ]
        assert (event.ties, event.counts) == (ties, counts)
        if ties == "earlier_finish":
            assert {one.finished_at for one in event.standings} <= {one.submitted_at for one in sent}


@every_policy
async def test_whatever_the_batches_are_the_same_stands(
    kafka: str, mongo: str, ties: Ties, counts: Counts
) -> None:
    async with new_parts(kafka, mongo, attempts_per_day=TRIES, ties=ties, counts=counts) as parts:
        sent = crowd(parts, datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=1), 10)
        # Each alone, backwards, and then all of them again in one batch.
        for one in reversed(sent):
            await graded(parts, one)
        alone = await stored(database_of(parts), parts.quiz_id)
        await graded(parts, *sent)
        assert await stored(database_of(parts), parts.quiz_id) == alone
        assert await shown(parts, ties) == expected(sent, ties, counts)


async def pages(parts: Parts, ties: Ties, limit: int) -> list[list[tuple[int, str]]]:
    """All pages, each as ranks and participants."""
    ranks = Ranks(parts.stores.standings, fresh_seconds=0)
    record, after = parts.catalogue.find(parts.quiz_id).record, None
    found: list[list[tuple[int, str]]] = []
    while not found or after:
        page, after = await ranks.page(record, after, limit)
        found.append([(one.rank, one.participant_id) for one in page])
    return found


@pytest.mark.parametrize("ties", get_args(Ties))
async def test_pages_have_the_ranks_of_the_whole_and_may_end_within_a_tie(
    kafka: str, mongo: str, ties: Ties
) -> None:
    async with new_parts(kafka, mongo, ties=ties, attempts_per_day=TRIES) as parts:
        now = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=1)
        # Ten of them are alike to the millisecond.
        alike = [parts.submission(f"x{n}", right=4, seconds=60, submitted_at=now) for n in range(10)]
        sent = [*crowd(parts, now, 12), *alike]
        await graded(parts, *sent)
        should = expected(sent, ties, "best")
        for limit in (1, 3, 7, 22, 100):
            found = await pages(parts, ties, limit)
            assert [len(page) for page in found[:-1]] == [limit] * (len(found) - 1)
            assert sorted(chain(*found)) == sorted(should)
            assert [rank for rank, _ in chain(*found)] == [rank for rank, _ in should]


async def test_whoever_stays_is_on_one_page_while_results_come_in(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo, attempts_per_day=TRIES) as parts:
        now = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=1)
        stay = [
            parts.submission(f"s{n:02}", right=n % 5, seconds=60 + n, submitted_at=now) for n in range(30)
        ]
        rise = [parts.submission(f"r{n:02}", right=1, seconds=60 + n, submitted_at=now) for n in range(20)]
        await graded(parts, *stay, *rise)
        ranks = Ranks(parts.stores.standings, fresh_seconds=0)
        record, after, seen = parts.catalogue.find(parts.quiz_id).record, None, []
        for nth in range(100):
            page, after = await ranks.page(record, after, 4)
            seen += [one.participant_id for one in page]
            if after is None:
                break
            if nth < len(rise):
                who = rise[nth].participant_id
                await graded(parts, parts.submission(who, right=5, number=2, submitted_at=now))
            # Each rank is that of this moment.
            standing = {who: rank for rank, who in await shown(parts, "time_used")}
            again, _ = await ranks.page(record, after, 4)
            assert all(one.rank == standing[one.participant_id] for one in again)
        assert len(seen) == len(set(seen))
        assert {one.participant_id for one in stay} <= set(seen)


async def test_organisers_load_the_whole_as_a_file_and_everybody_does_after_the_close(
    kafka: str, mongo: str
) -> None:
    async with new_parts(kafka, mongo, ties="shared", attempts_per_day=TRIES) as parts:
        now = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=1)
        sent = crowd(parts, now, 20)
        await graded(parts, *sent)
        database, path = parts.stores.database.name, f"/quizzes/{parts.quiz_id}/standings"
        should = expected(sent, "shared", "best")
        async with service(mongo, kafka=kafka, role="api", database=database) as ([client], _):
            listed = await client.get(path, params={"limit": 7})
            following = await client.get(path, params={"limit": 7, "after": listed.json()["after"]})
            assert [one["rank"] for one in (*listed.json()["standings"], *following.json()["standings"])] == [
                rank for rank, _ in should[:14]
            ]
            for wrong in ("?", following.json()["after"][:-3]):
                refused = await client.get(path, params={"after": wrong})
                assert code_of(refused) == (422, "after_invalid")
            file = await client.get(f"{path}/export", headers=ORGANISER)
            rows = list(csv.DictReader(io.StringIO(file.text.removeprefix(BOM))))
            assert [int(row["rank"]) for row in rows] == [rank for rank, _ in should]
            assert sorted(row["participant_id"] for row in rows) == sorted(who for _, who in should)
            assert code_of(await client.get(f"{path}/export")) == (409, "quiz_not_closed")
            await parts.close()
            assert await eventually_read(client, f"{path}/export") == [
                {name: value for name, value in row.items() if name != "participant_id"} for row in rows
            ]


async def test_a_file_in_many_pieces_has_the_ranks_of_the_whole(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo, ties="shared", attempts_per_day=TRIES) as parts:
        sent = crowd(parts, datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=1), 20)
        await graded(parts, *sent)
        offered = parts.catalogue.find(parts.quiz_id)
        should = [rank for rank, _ in expected(sent, "shared", "best")]
        for rows in (1, 3, 20):
            files = StandingFiles(parts.stores.standings, Aliases("secret"), piece_rows=rows)
            content = b"".join([piece async for piece in await files.file(offered, None, "")]).decode()
            found = list(csv.DictReader(io.StringIO(content.removeprefix(BOM))))
            assert [int(row["rank"]) for row in found] == should


async def eventually_read(client: httpx.AsyncClient, path: str) -> list[dict[str, str]]:
    """The rows of a file, once everybody may read it."""

    async def is_open() -> bool:
        return (await client.get(path)).is_success

    await eventually(is_open)
    text = (await client.get(path)).text
    return list(csv.DictReader(io.StringIO(text.removeprefix(BOM))))


def test_how_a_quiz_ranks_stays_once_it_has_opened_and_a_definition_without_it_ranks_as_before() -> None:
    said = quiz().model_dump(mode="json", exclude={"ties", "counts"})
    assert (type(quiz()).model_validate(said).ranking) == ("time_used", "best")
    for change in ({"ties": "shared"}, {"counts": "last"}):
        assert not quiz(**change).keeps_to(quiz())
