"""What a draw is, who may be drawn, and who holds a prize by it. All functions are pure."""

import hashlib
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Literal, Self

import msgspec
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from services.awards.draws.lottery import of_numbers, of_secret
from services.awards.issued.rules import ERASED_REASON, Award, Withdrawn, issued_again, withdrawn
from services.awards.schemes.rules import TIERS_MAX, Drawn, RankTiers, Scheme, Tier, check_announced
from shared.contracts.checked import Id, Line, MomentIn, Whole
from shared.contracts.events import DRAWN_MAX, SEED_PARTS_MAX, Percent, Sha256
from shared.runtime.errors import Conflict, Rejected

CHANCES_OF_ONE_MAX = 1_000_000
CHANCES_EARNED_MAX = 100
EXCLUDED_MAX = 1_000
WINNERS_OF_MAX = 20
SEED_NUMBERS_MAX = 20

Chances = Annotated[int, Field(ge=1, le=CHANCES_OF_ONE_MAX)]
State = Literal["draft", "freezing", "announced", "held"]
LeftOut = Literal["erased", "excluded", "has_won", "unknown"]
Secret = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z]{32,128}$")]
"""What a witness keeps until the draw: long enough that nobody can find it by its digest."""


class _Terms(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PublicSource(_Terms):
    """Numbers that somebody else draws in public, such as a lottery, after `expected_at`."""

    type: Literal["public"]
    description: Line
    expected_at: MomentIn


class Commitment(_Terms):
    """A secret of a witness, who has handed in its SHA-256 and reveals it afterwards."""

    type: Literal["commitment"]
    description: Line
    sha256: Sha256


Source = Annotated[PublicSource | Commitment, Field(discriminator="type")]


class Earned(_Terms):
    """Everybody with a result in a quiz that counts, and reaches this share of the points."""

    type: Literal["participants"]
    quiz_id: Id
    score_percent: Percent = 0
    chances_per: Literal["person", "day", "attempt"] = "person"
    chances_max: Annotated[int, Field(ge=1, le=CHANCES_EARNED_MAX)] = 1


class Tied(_Terms):
    """Who shares a rank at the end of this tier of a scheme with `"ties": "lots"`; each has one chance."""

    type: Literal["tied"]
    scheme_id: Id
    tier: Line


class Named(_Terms):
    """Whom the organisers name (`POST /draws/{draw_id}/entrants`)."""

    type: Literal["named"]


class Draw(_Terms):
    """A draw as an organiser puts it."""

    draw_id: Id
    title: Line
    scheme_id: Id
    prizes: Annotated[tuple[Tier, ...], Field(min_length=1, max_length=TIERS_MAX)]
    reserves: Annotated[int, Field(ge=0, le=DRAWN_MAX)] = 0
    entrants: Annotated[Earned | Tied | Named, Field(discriminator="type")]
    excluded: Annotated[tuple[Id, ...], Field(max_length=EXCLUDED_MAX)] = ()
    winners_of: Annotated[tuple[Id, ...], Field(max_length=WINNERS_OF_MAX)] = ()
    sources: Annotated[tuple[Source, ...], Field(min_length=1, max_length=SEED_PARTS_MAX)]

    @model_validator(mode="after")
    def _sound(self) -> Self:
        check_sound(self.prizes, self.reserves, self.sources)
        return self

    @property
    def commitments(self) -> list[str]:
        """The digests of the witnesses' secrets."""
        return _commitments(self.sources)


def check_sound(prizes: Sequence[Tier], reserves: int, sources: Iterable[Source]) -> None:
    """
    Check what the fields of a draw have to do with each other.

    Raises:
        ValueError: two tiers or two witnesses are alike, or too many would be drawn.
    """
    names = {unicodedata.normalize("NFKC", prize.tier).casefold() for prize in prizes}
    if len(names) < len(prizes):
        raise PydanticCustomError("tiers_alike", "two tiers have the same name")
    if places_of(prizes) + reserves > DRAWN_MAX:
        raise PydanticCustomError(
            "too_many_drawn", "a draw has at most {most} places and reserves", {"most": DRAWN_MAX}
        )
    hashes = _commitments(sources)
    if len(set(hashes)) < len(hashes):
        raise PydanticCustomError("commitments_alike", "two witnesses have the same SHA-256")


def _commitments(sources: Iterable[Source]) -> list[str]:
    return [source.sha256 for source in sources if isinstance(source, Commitment)]


class SeedInput(_Terms):
    """What a source has given: the numbers of a public source, or the secret of a witness."""

    numbers: Annotated[tuple[Annotated[Whole, Field(ge=0)], ...], Field(max_length=SEED_NUMBERS_MAX)] = ()
    secret: Secret | None = None


class Part(msgspec.Struct, frozen=True):
    """Where a part of the seed comes from: a public source has a time, a witness a digest."""

    description: str
    expected_at: datetime | None = None
    sha256: str | None = None


class Move(msgspec.Struct, frozen=True):
    """
    Somebody who was drawn and gets no prize.

    `reason`: an organiser's words; removed when the person is erased.
    """

    entrant_id: str
    code: Literal["erased", "not_entitled"]
    at: datetime
    reason: str | None = None


class Drawing(msgspec.Struct, frozen=True):
    """
    One announcement of a draw and what followed: all that was published of it. `number` counts them from 1.

    Attributes:
        list_id: finds the list of entrants.
        left_out: how many were left out of the list, by why.
        changed_at: when this version came to be.
        seed, drawn, held_at: as published once winners were drawn.
        replaced_because: the draw is held again, and nobody holds a prize by this one.
        tied: the scheme and tier whose tie it decides.
    """

    drawing_id: str
    draw_id: str
    number: int
    version: int
    title: str
    scheme_id: str
    prizes: tuple[tuple[str, int], ...]
    reserves: int
    algorithm: str
    sources: tuple[Part, ...]
    list_id: str
    entrants: int
    chances: int
    list_sha256: str
    left_out: dict[str, int]
    announced_at: datetime
    changed_at: datetime
    seed: str | None = None
    drawn: tuple[str, ...] = ()
    moved: tuple[Move, ...] = ()
    held_at: datetime | None = None
    replaced_because: str | None = None
    tied: tuple[str, str] | None = None


def places_of(prizes: Iterable[Tier]) -> int:
    """The places of all prizes."""
    return sum(prize.places for prize in prizes)


def check_scheme(scheme: Scheme) -> None:
    """
    Check that a draw may give the awards of this scheme.

    Raises:
        Rejected: its awards follow from another rule.
        Conflict: it is a draft.
    """
    check_announced(scheme)
    if not isinstance(scheme.rule, Drawn):
        raise Rejected(
            f"scheme {scheme.scheme_id} has another rule; put a scheme with the rule `drawn`",
            code="scheme_not_drawn",
        )


def check_draws_lots(scheme: Scheme) -> None:
    """
    Check that a draw may decide ties of this scheme.

    Raises:
        Rejected: it says of ties something else.
    """
    if not isinstance(scheme.rule, RankTiers) or scheme.rule.ties != "lots":
        raise Rejected(
            f'scheme {scheme.scheme_id} has no ties for a draw: put one with tiers and `"ties": "lots"`',
            code="scheme_without_lots",
        )


def check_ahead(times: Iterable[datetime | None], now: datetime) -> None:
    """
    Check that nobody can know yet what the public sources will give.

    Raises:
        Rejected: the time of one has passed.
    """
    if any(at is not None and at <= now for at in times):
        raise Rejected(
            "the time of a source has passed, so its numbers may be known; name a later one",
            code="source_time_passed",
        )


def expected(draw: Draw) -> list[datetime]:
    """When the public sources are drawn."""
    return [source.expected_at for source in draw.sources if isinstance(source, PublicSource)]


def seed_of(drawing: Drawing, given: Sequence[SeedInput], now: datetime) -> str:
    """
    The seed by what the sources have given, in their order.

    Raises:
        Conflict: the time of a source has not come yet.
        Rejected: something is missing, or a secret is not the one that was committed to.
    """
    if any(source.expected_at is not None and source.expected_at > now for source in drawing.sources):
        raise Conflict(
            "a source of the seed has not been drawn yet; wait for its time", code="source_time_ahead"
        )
    if len(given) != len(drawing.sources):
        raise Rejected(
            f"there are {len(drawing.sources)} sources; give what each of them has given, in their order",
            code="seed_incomplete",
        )
    parts = []
    for source, one in zip(drawing.sources, given, strict=True):
        is_public = source.sha256 is None
        if is_public != (one.secret is None) or is_public != bool(one.numbers):
            raise Rejected(
                f"the source {source.description} gives " + ("numbers" if is_public else "a secret"),
                code="seed_of_other_kind",
            )
        if one.secret is not None and hashlib.sha256(one.secret.encode()).hexdigest() != source.sha256:
            raise Rejected(
                f"the secret of {source.description} is not the one of the SHA-256 that was announced",
                code="secret_differs",
            )
        parts.append(of_numbers(one.numbers) if one.secret is None else of_secret(one.secret))
    return "".join(parts)


def holders(prizes: Iterable[tuple[str, int]], drawn: Sequence[str], moved: Iterable[str]) -> dict[str, str]:
    """
    Who holds a prize, and of which tier.

    The places go to the first who are drawn. For each who is moved away, in order, the next reserve gets the
    place. If no reserve is left, the place stays empty.
    """
    tiers = [tier for tier, places in prizes for _ in range(places)]
    held = dict(zip(drawn, tiers, strict=False))
    reserves = iter(drawn[len(tiers) :])
    gone: set[str] = set()
    for one in moved:
        gone.add(one)
        if (tier := held.pop(one, None)) is not None:
            following = next((reserve for reserve in reserves if reserve not in gone), None)
            if following is not None:
                held[following] = tier
    return held


def held_by(drawing: Drawing | None) -> dict[str, str]:
    """Who holds a prize by this drawing; nobody, if it was not held yet or was replaced."""
    if drawing is None or drawing.seed is None or drawing.replaced_because is not None:
        return {}
    return holders(drawing.prizes, drawing.drawn, [move.entrant_id for move in drawing.moved])


def check_moves(drawing: Drawing, entrant_id: str) -> bool:
    """
    Whether an organiser's act changes anything: the same person may be moved away only once.

    Raises:
        Rejected: this person was not drawn.
    """
    if entrant_id not in drawing.drawn:
        raise Rejected(f"{entrant_id} was not drawn in this draw", code="entrant_not_drawn")
    return all(move.entrant_id != entrant_id for move in drawing.moved)


def settled(
    award: Award,
    tier: str | None,
    drawing: Drawing,
    why: Mapping[str, tuple[Withdrawn, str]],
    now: datetime,
    *,
    erased: bool,
) -> Award | None:
    """
    What becomes of an award that is there; None if it stays as it is.

    What an organiser has revoked by hand stays revoked.

    Args:
        tier: what the recipient holds by the draw; None: nothing.
        why: why those who hold nothing lose their award; for all others, the draw is held again.
    """
    if not award.is_valid and not award.may_come_back:
        return None
    if tier is None:
        if not award.is_valid:
            return None
        code, reason = why.get(award.recipient_id, ("drawn_again", drawing.replaced_because or ""))
        return withdrawn(award, code, ERASED_REASON if erased else reason, now)
    if erased or (award.is_valid and award.tier == tier and award.cause == drawing.drawing_id):
        return None
    return issued_again(award, drawing.drawing_id, tier, now)
