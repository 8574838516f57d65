"""What awards forgets of erased people at once, with what organisers wrote about them in draws."""

from collections.abc import Collection

from services.awards.draws.store import DrawStore
from services.awards.issued.forget import forget_words
from services.awards.issued.store import AwardStore
from services.awards.results.decisions import DecisionStore
from services.awards.schemes.store import SchemeStore


async def forget_all_words(
    erased: Collection[str],
    awards: AwardStore,
    schemes: SchemeStore,
    decisions: DecisionStore,
    draws: DrawStore,
) -> None:
    """
    Remove organisers' words about these people. A published list still has their pseudonymous ids: its digest
    was announced, and without them nobody could compute the draw again.
    """
    await draws.forget(erased)
    await forget_words(erased, awards, schemes, decisions)
