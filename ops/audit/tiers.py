"""The tiers that ranks earn, by the ties of a scheme: written anew, so that it can disagree with awards."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, TypeAlias

Json: TypeAlias = dict[str, Any]
Place: TypeAlias = tuple[int, float]


class Earned(NamedTuple):
    """
    A place in the final standings, its rank by the scheme, and the tier that it earns; None: no tier.

    `by_lot`: lots have to decide.
    """

    standing: Json
    rank: int
    tier: str | None
    shared: bool
    by_lot: bool


def earned(scheme: Mapping[str, Any], closing: Mapping[str, Any]) -> Iterator[Earned]:
    """What each listed standing of a closing earns by a scheme of tiers, the best first."""
    ties = scheme["rule"].get("ties", "widen")
    standings = sorted(closing["standings"], key=lambda one: _place(one, ties))
    alike = Counter(_place(one, ties) for one in standings)
    unlisted = closing["participants"] > len(standings)
    worst = max(alike, default=None)
    # Whoever has the same rank, and finished earlier, is before.
    before: dict[Place, int] = {}
    passed: Counter[int] = Counter()
    for place in sorted(alike):
        before[place] = passed[place[0]]
        passed[place[0]] += alike[place]
    for one in standings:
        place = _place(one, ties)
        rank = one["rank"] + before[place]
        tier, places = tier_of(scheme, rank)
        crosses = tier is not None and (rank - 1 + alike[place] > places or (unlisted and place == worst))
        by_lot = crosses and ties == "lots"
        yield Earned(one, rank, None if by_lot else tier, crosses and ties == "share", by_lot)


def tied_at(scheme: Mapping[str, Any], closing: Mapping[str, Any], tier: str) -> tuple[set[str], set[str]]:
    """Who is in the tie at the end of a tier by lots, and all others who are listed."""
    found = list(earned(scheme, closing))
    tied = {
        one.standing["participant_id"]
        for one in found
        if one.tier is None and tier_of(scheme, one.standing["rank"])[0] == tier
    }
    return tied, {one.standing["participant_id"] for one in found} - tied


def finished_later(completed_at: str, last: Json, scheme: Mapping[str, Any]) -> bool:
    """True if somebody with the same rank as the last listed one is behind this one all the same."""
    finished = last.get("finished_at") if scheme["rule"].get("ties") == "earlier_finish" else None
    return finished is not None and datetime.fromisoformat(completed_at) != datetime.fromisoformat(finished)


def misshared(closings: Sequence[Json], schemes: Iterable[Json], awards: Iterable[Json]) -> Iterator[str]:
    """The awards that are shared and should not be, or the other way round."""
    sharing = {scheme["_id"]: scheme for scheme in schemes if scheme["rule"].get("ties") == "share"}
    said: dict[tuple[str, str, str | None], set[bool]] = {}
    for id_, scheme in sharing.items():
        for closing in closings:
            if closing["quiz_id"] == scheme["rule"]["quiz_id"]:
                for one in earned(scheme, closing):
                    said.setdefault((id_, one.standing["participant_id"], one.tier), set()).add(one.shared)
    for award in awards:
        # Whoever is not listed shares the last listed rank, and so shares the award.
        name = award["scheme_id"], award["recipient_id"], award.get("tier")
        wanted = said.get(name, {award["scheme_id"] in sharing})
        if award.get("shared", False) not in wanted and not award.get("revoked_at"):
            yield award["_id"]


def tier_of(scheme: Mapping[str, Any], rank: int) -> tuple[str | None, int]:
    """The tier of a rank, and the places up to its end. None below the last tier."""
    places = 0
    for tier in scheme["rule"]["tiers"]:
        places += tier["places"]
        if rank <= places:
            return str(tier["tier"]), places
    return None, places


def _place(standing: Json, ties: str) -> Place:
    finished = standing.get("finished_at") if ties == "earlier_finish" else None
    return standing["rank"], datetime.fromisoformat(finished).timestamp() if finished else 0.0
