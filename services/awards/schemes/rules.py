"""A scheme: an award (a title and a kind), and one of five rules. All functions are pure."""

import unicodedata
from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from shared.contracts.checked import Id, Line
from shared.contracts.events import STANDINGS_MAX, AwardKind, Percent
from shared.runtime.errors import Conflict, Rejected

TIERS_MAX = 20
TIER_PLACES_MAX = 10_000
# The rules for awards of public bodies ask for five working days at least: a week, with its weekend.
NOTICE_DAYS = 7
NOTICE_DAYS_MAX = 30
DAY_SECONDS = 86_400


class _Terms(BaseModel):
    # A misspelt field of a rule must not quietly become a different rule.
    model_config = ConfigDict(frozen=True, extra="forbid")


class PassMark(_Terms):
    """
    Everyone with at least this share of the quiz's points; only once, also if several attempts reach it.
    """

    type: Literal["pass_mark"]
    quiz_id: Id
    score_percent: Percent


class Tier(_Terms):
    """One level of the prizes. Its ranks are the next `places` behind those of the tiers before it."""

    tier: Line
    places: Annotated[int, Field(ge=1, le=TIER_PLACES_MAX)]


TierTies = Literal["widen", "share", "earlier_finish", "lots"]
"""
What decides if more people share a rank than a tier has places left. `widen`: all get the tier. `share`: all
get it, and share what was left of it. `earlier_finish`: who finished earlier is before the others. `lots`: a
draw among them gives the places.
"""


class RankTiers(_Terms):
    """
    The best of the quiz's final standings, best tier first.

    `next_in_rank`: if somebody is left out after an objection, or an organiser revokes the award, the next in
    rank moves up. `ties`: what a tie at the end of a tier does.
    """

    type: Literal["rank_tiers"]
    quiz_id: Id
    tiers: Annotated[tuple[Tier, ...], Field(min_length=1, max_length=TIERS_MAX)]
    next_in_rank: bool = False
    ties: TierTies = "widen"

    @model_validator(mode="after")
    def _named_apart(self) -> Self:
        # Full-width letters and capitals do not make a different name.
        names = {unicodedata.normalize("NFKC", tier.tier).casefold() for tier in self.tiers}
        if len(names) < len(self.tiers):
            raise PydanticCustomError("tiers_alike", "two tiers have the same name")
        return self

    @property
    def places(self) -> int:
        """The ranks of all tiers together."""
        return sum(tier.places for tier in self.tiers)


class Conferred(_Terms):
    """Everyone whom an organiser names."""

    type: Literal["conferred"]


class Drawn(_Terms):
    """Whoever is drawn by lot: a draw gives these awards, and nothing else does."""

    type: Literal["drawn"]


class Selected(_Terms):
    """The winners of the one selection that names this scheme."""

    type: Literal["selected"]


class AtOnce(_Terms):
    """Awards are issued as soon as they are earned."""

    type: Literal["at_once"]


class AfterNotice(_Terms):
    """
    Awards are proposed first. They are issued after a public notice, when all objections are decided.

    `days` and `seconds` together are the length of the notice; less than a day is for rehearsals. `confirm`:
    an organiser confirms the notice after its end, or it is confirmed by itself.
    """

    type: Literal["after_notice"]
    days: Annotated[int, Field(ge=0, le=NOTICE_DAYS_MAX)] = NOTICE_DAYS
    seconds: Annotated[int, Field(ge=0, lt=DAY_SECONDS)] = 0
    confirm: Literal["organiser", "automatic"] = "organiser"

    @model_validator(mode="after")
    def _takes_time(self) -> Self:
        if self.length <= timedelta():
            raise PydanticCustomError("notice_without_time", "a public notice needs some time")
        return self

    @property
    def length(self) -> timedelta:
        """How long everybody may object."""
        return timedelta(days=self.days, seconds=self.seconds)


Issue = Annotated[AtOnce | AfterNotice, Field(discriminator="type")]
AT_ONCE = AtOnce(type="at_once")

OnChange = Literal["keep", "follow"]
"""What becomes of an award that the results of now do not earn: only organisers take it back, or the rule."""

Rule = Annotated[PassMark | RankTiers | Conferred | Drawn | Selected, Field(discriminator="type")]


class Scheme(_Terms):
    """
    A kind of award and its rule. Organisers put schemes: they are data, not code.

    `draft`: only organisers see it, and nothing is issued by it.
    """

    scheme_id: Id
    title: Line
    kind: AwardKind
    rule: Rule
    on_change: OnChange = "keep"
    issue: Issue = AT_ONCE
    draft: bool = False

    @property
    def notice(self) -> AfterNotice | None:
        """The public notice that comes before its awards, if there is one."""
        return self.issue if isinstance(self.issue, AfterNotice) else None

    @property
    def follows(self) -> bool:
        """True if the rule takes back an award that is not earned any more, and changes tiers."""
        return self.on_change == "follow"

    @property
    def quiz_id(self) -> str | None:
        """The quiz that the rule uses, if there is one."""
        return self.rule.quiz_id if isinstance(self.rule, PassMark | RankTiers) else None


def check_announced(scheme: Scheme) -> None:
    """
    Check that a scheme is no draft any more.

    Raises:
        Conflict: it is one.
    """
    if scheme.draft:
        raise Conflict(
            f"scheme {scheme.scheme_id} is a draft: put it without `draft`, so that everybody can see it",
            code="scheme_draft",
        )


def check_decidable(scheme: Scheme) -> None:
    """
    Refuse a scheme that no closing of a quiz could decide.

    Raises:
        Rejected: the tiers have more places than a closing lists standings, awards without a quiz should
            follow results, or drawn or selected ones should wait for a notice.
    """
    if isinstance(scheme.rule, Drawn) and scheme.notice:
        raise Rejected(
            "the awards of this scheme are drawn in public: they do not wait for a notice",
            code="drawn_at_once",
        )
    if isinstance(scheme.rule, Selected) and scheme.notice:
        raise Rejected(
            "the selection of this scheme has a public notice of its own: its awards do not wait for another",
            code="selected_at_once",
        )
    if isinstance(scheme.rule, Conferred | Drawn | Selected) and scheme.follows:
        raise Rejected(
            "the awards of this scheme are conferred or drawn: there are no results that they could follow",
            code="conferred_follows_nothing",
        )
    if (
        isinstance(scheme.rule, RankTiers)
        and scheme.rule.ties == "lots"
        and (scheme.follows or scheme.notice)
    ):
        raise Rejected(
            "lots are drawn in public, and not again for each change: a scheme with lots keeps its awards, "
            "and issues them at once",
            code="lots_are_final",
        )
    if isinstance(scheme.rule, RankTiers) and scheme.rule.places > STANDINGS_MAX:
        raise Rejected(
            f"the tiers have {scheme.rule.places} places together, and a closed quiz lists "
            f"{STANDINGS_MAX} standings at the most",
            code="places_above_standings",
            listed=STANDINGS_MAX,
        )
