"""A ceremony, its running order, and who comes to the stage for an award. All functions are pure."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Literal, Self

import msgspec
from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from services.awards.issued.rules import Award
from services.awards.schemes.rules import TIERS_MAX, Drawn, RankTiers, Scheme
from shared.contracts.checked import Id, Line, Name, PersonalLine
from shared.runtime.errors import Conflict, NotFound, Rejected

CEREMONIES_MAX = 200
ITEMS_MAX = 50
GROUP_MAX = 50
GROUP = 10
PROXIES_MAX = 500
# Awards that one ceremony calls. A longer one would take more than a day.
AWARDS_MAX = 2_000
CODES_MAX = 100
# Each marking and each undoing is an event.
ROUNDS_MAX = 10
LINK_DAYS = 30
LINK_VALID = timedelta(days=LINK_DAYS)
# Check-ins are kept so long after they were made: a ceremony may be put after them.
ARRIVALS_KEPT = timedelta(days=30)

Order = Literal["lowest_first", "highest_first"]
Attendance = Literal["present", "proxy", "absent", "unknown"]


class _Terms(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Item(_Terms):
    """Awards of a scheme that are called one tier after the other, some recipients at a time."""

    scheme_id: Id
    tiers: Annotated[tuple[Line, ...], Field(min_length=1, max_length=TIERS_MAX)] | None = Field(
        None, description="only these, best first; null: all tiers", examples=[["一等奖"]]
    )
    order: Order = "lowest_first"
    group_size: int = Field(GROUP, ge=1, le=GROUP_MAX, description="how many come on stage at once")
    presenter: Line | None = Field(None, description="the role of who hands over", examples=["市科协主席"])
    notes: Line | None = Field(None, description="for the presenter: music, pauses", examples=["颁奖音乐"])


class CeremonyTerms(_Terms):
    """What an organiser says of a ceremony."""

    title: Line = Field(examples=["2026年科技活动周颁奖典礼"])
    title_en: Line | None = Field(None, examples=["Awarding ceremony of the Science & Technology Week 2026"])
    session_id: Id | None = Field(None, description="the session where recipients are checked in")
    items: Annotated[tuple[Item, ...], Field(min_length=1, max_length=ITEMS_MAX)]

    @model_validator(mode="after")
    def _each_award_once(self) -> Self:
        seen: dict[str, set[str] | None] = {}
        for item in self.items:
            before = seen.get(item.scheme_id, set())
            tiers = None if item.tiers is None else set(item.tiers)
            twice = item.tiers is not None and len(set(item.tiers)) < len(item.tiers)
            overlaps = before is None or (tiers is None and before) or (tiers and before & tiers)
            if twice or (item.scheme_id in seen and overlaps):
                raise PydanticCustomError("called_twice", "an award would be called twice")
            seen[item.scheme_id] = None if tiers is None or before is None else before | tiers
        return self


class Ceremony(CeremonyTerms):
    """A ceremony."""

    ceremony_id: Id


class Proxy(_Terms):
    """Who comes for a recipient: somebody whom the week knows, or a name."""

    receiver_id: Id | None = Field(None, examples=["group-service-team-01"])
    receiver_name: Name | None = Field(None, examples=["李大明"])
    reason: PersonalLine | None = Field(None, examples=["在外地上学"])

    @model_validator(mode="after")
    def _one_receiver(self) -> Self:
        if (self.receiver_id is None) == (self.receiver_name is None):
            raise PydanticCustomError("one_receiver", "either receiver_id or receiver_name says who comes")
        return self


class Handed(msgspec.Struct, frozen=True):
    """
    An award that was handed over.

    Attributes:
        at: when that was marked, or undone.
        version: counts the markings and undoings.
    """

    award_id: str
    version: int
    award_code: str
    scheme_id: str
    recipient_id: str
    ceremony_id: str
    by_proxy: bool
    handed_over: bool
    at: datetime


class Call(msgspec.Struct, frozen=True):
    """The recipients who come to the stage together. `part` counts those of one tier from 1."""

    number: int
    scheme_title: str
    tier: str | None
    part: int
    parts: int
    presenter: str | None
    notes: str | None
    awards: tuple[Award, ...]


def tier_names(scheme: Scheme) -> tuple[str, ...]:
    """The tiers that the rule of a scheme names, best first."""
    return tuple(tier.tier for tier in scheme.rule.tiers) if isinstance(scheme.rule, RankTiers) else ()


def check_tiers(item: Item, scheme: Scheme) -> None:
    """
    Check that a scheme has the tiers that an item names. Of a draw, the scheme does not know them.

    Raises:
        Rejected: it has not.
    """
    names = tier_names(scheme)
    for tier in item.tiers or ():
        if tier not in names and not isinstance(scheme.rule, Drawn):
            raise Rejected(
                f"scheme {scheme.scheme_id} has no tier {tier}",
                code="tier_unknown",
                scheme_id=scheme.scheme_id,
            )


def running_order(
    ceremony: Ceremony, schemes: Mapping[str, Scheme], held: Sequence[Sequence[Award]]
) -> list[Call]:
    """
    The calls of a ceremony, in order.

    Args:
        held: for each item, the awards that are held and whose recipients were not erased.
    """
    calls: list[Call] = []
    for item, awards in zip(ceremony.items, held, strict=True):
        scheme = schemes.get(item.scheme_id)
        for tier, of_tier in _by_tier(item, scheme, awards):
            parts = -(-len(of_tier) // item.group_size)
            for part in range(parts):
                some = of_tier[part * item.group_size : (part + 1) * item.group_size]
                calls.append(
                    Call(
                        len(calls) + 1,
                        scheme.title if scheme else some[0].scheme_title,
                        tier,
                        part + 1,
                        parts,
                        item.presenter,
                        item.notes,
                        tuple(some),
                    )
                )
    return calls


def _by_tier(
    item: Item, scheme: Scheme | None, awards: Sequence[Award]
) -> Iterator[tuple[str | None, list[Award]]]:
    # The prizes of a draw stand in the draw: an item says which are better.
    names = (tier_names(scheme) if scheme else ()) or item.tiers or ()
    places = {tier: place for place, tier in enumerate(names)}
    by_tier: dict[str | None, list[Award]] = {}
    # By id, so that the order does not change from one reading to the next.
    for award in sorted(awards, key=lambda one: one.award_id):
        by_tier.setdefault(award.tier, []).append(award)
    # A tier that the scheme does not name is the lowest.
    order = sorted(by_tier, key=lambda tier: (places.get(tier or "", len(places)), tier or ""))
    for tier in reversed(order) if item.order == "lowest_first" else order:
        yield tier, by_tier[tier]


def calls_award(ceremony: Ceremony, award: Award) -> bool:
    """Whether a ceremony calls this award."""
    return any(
        item.scheme_id == award.scheme_id and (item.tiers is None or award.tier in item.tiers)
        for item in ceremony.items
    )


def attendance(ceremony: Ceremony, *, present: bool, proxy: bool) -> Attendance:
    """Who comes for an award. A recipient who has come needs no proxy."""
    if present:
        return "present"
    if proxy:
        return "proxy"
    return "absent" if ceremony.session_id else "unknown"


def handed_over(
    ceremony: Ceremony, award: Award, before: Handed | None, now: datetime, *, by_proxy: bool, erased: bool
) -> Handed | None:
    """
    What is noted of an award that was handed over; None if it is noted already.

    Raises:
        Conflict: it is not held, is not of this ceremony, was handed over at another one, or was marked too
            often; or its recipient was erased.
    """
    _check(erased=erased)
    if before is not None and before.handed_over:
        if before.ceremony_id == ceremony.ceremony_id:
            return None
        raise Conflict(
            f"award {award.award_code} was handed over at ceremony {before.ceremony_id}; undo it there first",
            code="handed_over_elsewhere",
            award_code=award.award_code,
            ceremony_id=before.ceremony_id,
        )
    if not award.is_valid:
        raise Conflict(
            f"award {award.award_code} is revoked: do not hand it over",
            code="award_not_held",
            award_code=award.award_code,
        )
    if not calls_award(ceremony, award):
        raise Conflict(
            f"award {award.award_code} is not of this ceremony; add its scheme or tier to the items",
            code="award_not_called",
            award_code=award.award_code,
        )
    version = before.version + 1 if before else 1
    if version > 2 * ROUNDS_MAX:
        raise Conflict(
            f"award {award.award_code} was marked and undone too often",
            code="handed_over_too_often",
            award_code=award.award_code,
        )
    return Handed(
        award.award_id,
        version,
        award.award_code,
        award.scheme_id,
        award.recipient_id,
        ceremony.ceremony_id,
        by_proxy,
        True,
        now,
    )


def undone(ceremony: Ceremony, before: Handed | None, now: datetime, *, erased: bool) -> Handed | None:
    """
    What is noted when the marking was a mistake; None if there is none at this ceremony.

    Raises:
        Conflict: the recipient was erased.
    """
    _check(erased=erased)
    if before is None or not before.handed_over or before.ceremony_id != ceremony.ceremony_id:
        return None
    return msgspec.structs.replace(before, version=before.version + 1, handed_over=False, at=now)


def _check(*, erased: bool) -> None:
    # Nothing about a person is published after the erasure.
    if erased:
        raise Conflict("this participant was erased", code="participant_erased")


def ceremony_unknown(ceremony_id: str) -> NotFound:
    """The refusal of a ceremony that is not there."""
    return NotFound(f"there is no ceremony {ceremony_id}", code="ceremony_unknown")


def link_unknown() -> NotFound:
    """The refusal of a link that is good for nothing: whoever guesses does not learn why."""
    return NotFound("there is no such link, or its time is over; ask an organiser", code="hall_link_unknown")


def too_many_awards() -> Conflict:
    """The refusal of a script that would be too long."""
    return Conflict(
        f"the items call more than {AWARDS_MAX} awards: name tiers, or make another ceremony",
        code="too_many_awards",
        most=AWARDS_MAX,
    )
