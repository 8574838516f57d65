"""
Who is left out of the ranks of a scheme, so that others move up.

Source: docs/decisions/0084-next-in-rank-after-a-revocation.md
"""

from collections.abc import Awaitable, Callable

from services.awards.issued.store import AwardStore
from services.awards.issuing.rules import tier_of
from services.awards.known.store import KnownStore
from services.awards.results.decisions import DecisionStore
from services.awards.results.rules import Closing
from services.awards.schemes.rules import RankTiers, Scheme

Upheld = Callable[[str], Awaitable[set[str]]]
"""By scheme, the recipients against whom an objection was upheld. The room `proposals` knows them."""


class Places:
    """Finds who has left a place."""

    def __init__(
        self, awards: AwardStore, known: KnownStore, decisions: DecisionStore, upheld: Upheld
    ) -> None:
        self._awards = awards
        self._known = known
        self._decisions = decisions
        self._upheld = upheld

    async def left_out(self, scheme: Scheme, closing: Closing) -> set[str]:
        """
        Who is left out of the ranks: see `due_by_rank`.

        Only if somebody has left a place, others are left out too: the erased and the disqualified below the
        places who hold no award. They cannot move up, so the ones behind them do.
        """
        rule = scheme.rule
        if not isinstance(rule, RankTiers) or rule.quiz_id != closing.quiz_id:
            return set()
        left = await self._upheld(scheme.scheme_id) if scheme.notice else set()
        if not rule.next_in_rank:
            return left
        left |= await self._awards.left_places(scheme.scheme_id)
        if not left:
            return left
        below = {one.participant_id for one in closing.standings if tier_of(one.rank, rule.tiers) is None}
        unable = await self._known.erased(below)
        decided = await self._decisions.of_quiz(closing.quiz_id)
        unable |= {one for one in below & decided.keys() if decided[one].disqualified}
        return left | (unable - await self._awards.holders_among(unable, scheme.scheme_id))
