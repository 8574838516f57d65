"""Draws in requests and answers."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field, model_validator

from services.awards.draws.rules import (
    EXCLUDED_MAX,
    WINNERS_OF_MAX,
    Chances,
    Draw,
    Drawing,
    Earned,
    LeftOut,
    Named,
    SeedInput,
    Source,
    State,
    Tied,
    check_sound,
    held_by,
)
from services.awards.draws.store import DRAWINGS_MAX, Kept
from services.awards.schemes.rules import TIERS_MAX, Tier
from shared.contracts.checked import Id, Line, Ordinal, PersonalLine
from shared.contracts.events import DRAWN_MAX, SEED_PARTS_MAX
from shared.web.forms import Computed, Form

NAMED_AT_ONCE_MAX = 2_000
# As many entrants, each with the longest id.
NAMED_BYTES_MAX = 262_144
# As many excluded people, each with the longest id, and as many sources with the longest texts.
DRAW_BYTES_MAX = 131_072


class DrawIn(Form):
    """A draw as an organiser puts it; its id, if given, is the path's."""

    draw_id: Id | None = Field(None, examples=["contest-lucky"])
    title: Line = Field(examples=["科普知识竞赛幸运奖"])
    scheme_id: Id = Field(
        description="a scheme with the rule `drawn`, of no other draw", examples=["lucky-prize"]
    )
    prizes: Annotated[tuple[Tier, ...], Field(min_length=1, max_length=TIERS_MAX)] = Field(
        description="best first", examples=[[{"tier": "幸运奖", "places": 10}]]
    )
    reserves: Annotated[int, Field(ge=0, le=DRAWN_MAX)] = Field(
        0, description="drawn after the winners; they move up if a winner is not entitled"
    )
    entrants: Annotated[Earned | Tied | Named, Field(discriminator="type")] = Field(
        examples=[
            {
                "type": "participants",
                "quiz_id": "puyang-2023-contest",
                "score_percent": 60,
                "chances_per": "day",
                "chances_max": 9,
            },
            {"type": "named"},
            {"type": "tied", "scheme_id": "contest-prize", "tier": "一等奖"},
        ]
    )
    excluded: Annotated[tuple[Id, ...], Field(max_length=EXCLUDED_MAX)] = Field(
        (), description="who does not take part, such as staff; not shown to the public"
    )
    winners_of: Annotated[tuple[Id, ...], Field(max_length=WINNERS_OF_MAX)] = Field(
        (), description="schemes: whoever holds an award by one of them does not take part"
    )
    sources: Annotated[tuple[Source, ...], Field(min_length=1, max_length=SEED_PARTS_MAX)] = Field(
        examples=[
            [
                {
                    "type": "public",
                    "description": "福彩3D 第2023130期",
                    "expected_at": "2023-05-21T21:15:00+08:00",
                }
            ]
        ]
    )
    # Of the answer of a GET.
    version: Computed = None

    @model_validator(mode="after")
    def _sound(self) -> Self:
        check_sound(self.prizes, self.reserves, self.sources)
        return self

    def draw(self, draw_id: str) -> Draw:
        """The draw of this id."""
        return Draw.model_validate(self.model_dump(exclude={"draw_id", "version"}) | {"draw_id": draw_id})


class DefinitionOut(Draw):
    """A draw as `PUT` takes it."""

    version: int


class NamedEntrantIn(Form):
    """A person or group, and how many chances."""

    entrant_id: Id
    chances: Chances = 1


class NamingIn(Form):
    """Some entrants of the list. Send a long list in several requests."""

    entrants: Annotated[tuple[NamedEntrantIn, ...], Field(min_length=1, max_length=NAMED_AT_ONCE_MAX)]


class NamingOut(BaseModel):
    """How many are named now. Who is erased is not among them."""

    draw_id: str
    named: int


class InputsIn(Form):
    """What each source has given, in the order of the sources."""

    inputs: Annotated[tuple[SeedInput, ...], Field(min_length=1, max_length=SEED_PARTS_MAX)] = Field(
        examples=[[{"numbers": [3, 1, 9]}]]
    )


class MoveIn(Form):
    """Who was drawn and gets no prize. The reason is public, and stands in the message to this person."""

    entrant_id: Id
    reason: PersonalLine = Field(examples=["工作人员，不符合参与条件"])


class AgainIn(Form):
    """Which drawing is replaced, and why. The reason is public, and names no person."""

    number: Ordinal
    reason: Line = Field(examples=["名单有误"])


class StateOut(BaseModel):
    """How far a draw is, for organisers."""

    draw_id: str
    title: str
    number: int = Field(description="of the drawing that is announced, or of the next one")
    state: State
    failed: str | None = Field(
        None, description="why the list was not announced: a code, such as `entrants_missing`"
    )
    listed: int = Field(0, description="entrants in the list so far")
    working: bool = Field(description="the list is being made, or awards are being given or taken back")

    @classmethod
    def of(cls, kept: Kept, listed: int = 0) -> "StateOut":
        return cls(
            draw_id=kept.draw.draw_id,
            title=kept.draw.title,
            number=kept.number,
            state=kept.state,
            failed=kept.failed,
            listed=listed,
            working=kept.work,
        )


class StatesOut(BaseModel):
    """A page of draws; `after` leads to the next one, null on the last."""

    draws: list[StateOut]
    after: str | None


class PartOut(BaseModel):
    """Where a part of the seed comes from."""

    description: str
    expected_at: datetime | None
    sha256: str | None


class DrawnOut(BaseModel):
    """
    Somebody who was drawn; the id is pseudonymous.

    `tier` is the prize that this one holds now; null for a reserve, and for who was moved away (`moved`).
    """

    entrant_id: str
    tier: str | None
    moved: Literal["erased", "not_entitled"] | None = None
    reason: str | None = None


class EarlierOut(BaseModel):
    """Another drawing of the same draw."""

    number: int
    list_sha256: str
    announced_at: datetime
    replaced_because: str | None


class DrawOut(BaseModel):
    """All that anybody needs to compute a drawing again (docs/draws.md), and its outcome."""

    draw_id: str
    number: int
    version: int
    title: str
    scheme_id: str
    prizes: list[Tier] = Field(max_length=TIERS_MAX)
    reserves: int
    algorithm: str
    sources: list[PartOut] = Field(max_length=SEED_PARTS_MAX)
    entrants: int
    chances: int
    list_sha256: str
    left_out: dict[LeftOut, int] = Field(max_length=4)
    announced_at: datetime
    seed: str | None
    held_at: datetime | None
    drawn: list[DrawnOut] = Field(max_length=DRAWN_MAX)
    moved: list[str] = Field(max_length=DRAWN_MAX, description="who was moved away, in this order")
    replaced_because: str | None
    others: list[EarlierOut] = Field(max_length=DRAWINGS_MAX)

    @classmethod
    def of(cls, drawing: Drawing, others: list[Drawing]) -> "DrawOut":
        held = held_by(drawing)
        moves = {move.entrant_id: move for move in drawing.moved}
        return cls(
            draw_id=drawing.draw_id,
            number=drawing.number,
            version=drawing.version,
            title=drawing.title,
            scheme_id=drawing.scheme_id,
            prizes=[Tier(tier=tier, places=places) for tier, places in drawing.prizes],
            reserves=drawing.reserves,
            algorithm=drawing.algorithm,
            sources=[
                PartOut(description=one.description, expected_at=one.expected_at, sha256=one.sha256)
                for one in drawing.sources
            ],
            entrants=drawing.entrants,
            chances=drawing.chances,
            list_sha256=drawing.list_sha256,
            left_out=drawing.left_out,
            announced_at=drawing.announced_at,
            seed=drawing.seed,
            held_at=drawing.held_at,
            drawn=[
                DrawnOut(
                    entrant_id=one,
                    tier=held.get(one),
                    moved=moves[one].code if one in moves else None,
                    reason=moves[one].reason if one in moves else None,
                )
                for one in drawing.drawn
            ],
            moved=[move.entrant_id for move in drawing.moved],
            replaced_because=drawing.replaced_because,
            others=[
                EarlierOut(
                    number=one.number,
                    list_sha256=one.list_sha256,
                    announced_at=one.announced_at,
                    replaced_because=one.replaced_because,
                )
                for one in others
            ],
        )
