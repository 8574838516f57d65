"""The state of a scheme: does it have awards, and are some undecided after the close of its quiz?"""

from dataclasses import dataclass

from services.awards.issuing.rules import (
    Lot,
    list_may_miss_winners,
    lots_of,
    tie_can_be_decided,
    why_list_may_miss_winners,
)
from services.awards.results.rules import Closing
from services.awards.results.store import ResultStore
from services.awards.schemes.rules import Scheme
from services.awards.schemes.store import SchemeStore


@dataclass(frozen=True, slots=True)
class SchemeState:
    """
    The state of a scheme.

    Attributes:
        undecided: why somebody may still get an award of this scheme.
        lots: the ties that a draw has to decide.
    """

    in_use: bool
    quiz_closed: bool
    undecided: str | None
    lots: tuple[Lot, ...] = ()


async def state_of(scheme_id: str, schemes: SchemeStore, results: ResultStore) -> SchemeState:
    """
    The state of a scheme.

    Raises:
        NotFound: there is no such scheme.
    """
    scheme = await schemes.get(scheme_id)
    in_use = (await schemes.marks(scheme_id)).in_use
    closing = await results.closing(scheme.quiz_id) if scheme.quiz_id else None
    if closing is None:
        return SchemeState(in_use, quiz_closed=False, undecided=None)
    undecided = await is_undecided(closing, scheme, schemes)
    why = _why(closing, scheme) if undecided else None
    return SchemeState(in_use, quiz_closed=True, undecided=why, lots=tuple(lots_of(closing, scheme)))


def _why(closing: Closing, scheme: Scheme) -> str:
    decides_itself = tie_can_be_decided(closing, scheme)
    when = "this is decided when awards has all results" if decides_itself else "apply the scheme"
    return f"{why_list_may_miss_winners(closing)}: {when}"


async def is_undecided(closing: Closing, scheme: Scheme, schemes: SchemeStore) -> bool:
    """True if the standings are too short for the scheme, and the tie at their end is not decided."""
    if not list_may_miss_winners(closing, scheme):
        return False
    return (await schemes.marks(scheme.scheme_id)).tie_decided != closing.version
