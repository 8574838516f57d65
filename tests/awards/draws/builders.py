"""Draws, their entrants and the parts that hold them, for tests."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from services.awards.draws.forget import forget_all_words
from services.awards.draws.freeze import PIECE_ENTRANTS_MAX, Freezer
from services.awards.draws.hold import Draws
from services.awards.draws.lottery import list_line
from services.awards.draws.rules import Draw, Drawing, SeedInput
from services.awards.draws.settle import Settler
from services.awards.draws.store import DrawStore
from services.awards.draws.tied import TiedReader
from services.awards.issued.rules import Award
from services.awards.issuing.outdated import Outdated
from services.awards.schemes.rules import Scheme
from shared.runtime import clock
from shared.storage.outbox import prepare
from tests.awards.builders import scheme
from tests.awards.parts import Parts
from tests.support.kafka import database_of
from tests.support.service import new_id

SECRET = "5f2a9c0d7e1b48368a4c6d9f0e3b2715"
PUBLIC = {"type": "public", "description": "福彩3D 第2023130期", "expected_at": "2099-05-21T21:15:00+08:00"}
WITNESS = {"type": "commitment", "description": "公证员", "sha256": sha256(SECRET.encode()).hexdigest()}
REVEALED = [SeedInput(secret=SECRET)]


def lucky(scheme_id: str | None = None) -> Scheme:
    """A scheme whose awards are drawn."""
    return scheme(scheme_id, title="幸运奖", kind="prize", rule={"type": "drawn"})


def draw(scheme_id: str, draw_id: str | None = None, **changes: Any) -> Draw:
    """A draw among those who are named, with a witness; two prizes of two places, and two reserves."""
    return Draw.model_validate(definition(scheme_id, **changes) | {"draw_id": draw_id or new_id("draw")})


def definition(scheme_id: str, **changes: Any) -> dict[str, Any]:
    """The same as a body."""
    fields: dict[str, Any] = {
        "title": "科普知识竞赛幸运奖",
        "scheme_id": scheme_id,
        "prizes": [{"tier": "一等", "places": 1}, {"tier": "二等", "places": 2}],
        "reserves": 2,
        "entrants": {"type": "named"},
        "sources": [WITNESS],
    }
    return fields | changes


def ids(count: int) -> list[str]:
    return [f"p{number:03}" for number in range(count)]


def text_of(entrants: dict[str, int]) -> str:
    return "".join(list_line(one, entrants[one]) for one in sorted(entrants))


class DrawParts:
    """The parts of one copy of awards that hold draws, over a database."""

    def __init__(self, parts: Parts, *, piece_entrants_max: int = PIECE_ENTRANTS_MAX) -> None:
        self.parts = parts
        self.store = DrawStore(parts.database)
        self.draws = Draws(self.store, parts.schemes, parts.known)
        freezer = Freezer(
            self.store,
            parts.known,
            parts.results,
            parts.decisions,
            parts.awards,
            TiedReader(parts.schemes, parts.results, Outdated(parts.results, parts.decisions, parts.changes)),
            piece_entrants_max=piece_entrants_max,
        )
        self.settler = Settler(self.store, freezer, parts.schemes, parts.awards, parts.known, parts.issuer)

    async def work(self) -> int:
        """Do what is left to the background; returns the chunks."""
        chunks = 0
        while pending := await self.store.pending("", 10):
            for draw_id in pending:
                await self.settler.go_on(draw_id)
                chunks += 1
        return chunks

    async def put(self, of: Draw, named: dict[str, int] | None = None) -> Draw:
        """A draft whose scheme is there; all who are named are known."""
        await self.parts.schemes.put(lucky(of.scheme_id))
        await self.draws.put(of)
        if named:
            await self.parts.known.add_participants(named)
            await self.draws.name(of.draw_id, named)
        return of

    async def announced(self, of: Draw, named: dict[str, int] | None = None) -> Drawing:
        await self.put(of, named)
        return await self.freeze(of.draw_id)

    async def freeze(self, draw_id: str) -> Drawing:
        kept = await self.draws.freeze(draw_id)
        await self.work()
        drawing = await self.store.drawing(draw_id, kept.number)
        assert drawing is not None, (await self.store.get(draw_id)).failed
        return drawing

    async def text(self, drawing: Drawing) -> str:
        return "".join([piece async for piece in self.store.texts(drawing.list_id)])

    async def held(self, scheme_id: str) -> dict[str, str | None]:
        """Who holds an award of a scheme, and of which tier."""
        return {one.recipient_id: one.tier for one in await self.awards(scheme_id) if one.is_valid}

    async def awards(self, scheme_id: str) -> list[Award]:
        return await self.parts.awards.of_scheme(scheme_id, "", 10_000)

    async def erase(self, *participant_ids: str) -> None:
        """As the handler of erasures does."""
        await self.parts.known.erase(participant_ids)
        await forget_all_words(
            participant_ids, self.parts.awards, self.parts.schemes, self.parts.decisions, self.store
        )


@asynccontextmanager
async def new_draws(mongo: str, copies: int = 1, **changes: Any) -> AsyncIterator[list[DrawParts]]:
    """The parts of so many copies, over an empty database."""
    async with database_of(mongo, "AwardsSettings") as database:
        await prepare(database)
        made = [DrawParts(Parts(database), **changes) for _ in range(copies)]
        await made[0].parts.prepare()
        await made[0].store.prepare()
        yield made


def soon(seconds: float) -> datetime:
    return clock.now() + timedelta(seconds=seconds)


LONG_AGO = datetime(2023, 5, 21, tzinfo=UTC)
