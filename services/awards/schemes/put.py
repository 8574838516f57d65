"""Putting a scheme: the use case of `PUT /schemes/{scheme_id}`."""

from services.awards.known.rules import check_quiz
from services.awards.known.store import KnownStore
from services.awards.known.wait import KNOWN_WAIT_SECONDS, wait_until_known
from services.awards.results.decisions import DecisionStore
from services.awards.schemes.rules import Scheme, check_decidable
from services.awards.schemes.store import Matching, SchemeStore


async def put_scheme(
    scheme: Scheme,
    schemes: SchemeStore,
    known: KnownStore,
    decisions: DecisionStore,
    *,
    matches: Matching = lambda version: True,
    wait_seconds: float = KNOWN_WAIT_SECONDS,
) -> str:
    """
    Store a scheme, new or changed; returns its tag.

    Args:
        matches: whether the tag before, None for a new scheme, is what the organiser has read.
        wait_seconds: how long to wait for the event of a quiz that was published a moment ago, or again.

    Raises:
        NotFound: its quiz was not published.
        Rejected: no closing of a quiz could decide it, or it is conferred and should follow results.
        Conflict: it is in use and only its title may change, its quiz was cancelled, or there are too many.
        Outdated: somebody has changed it since it was read.
    """
    check_decidable(scheme)
    if quiz_id := scheme.quiz_id:

        async def is_there() -> bool:
            # A quiz that was removed may be published again: its event is on the way.
            return await known.has_quiz(quiz_id) and not await known.cancelled([quiz_id])

        if not await wait_until_known(is_there, wait_seconds):
            is_cancelled = bool(await known.cancelled([quiz_id]))
            check_quiz(quiz_id, known=await known.has_quiz(quiz_id), cancelled=is_cancelled)
    tag = await schemes.put(scheme, matches)
    # After the scheme is there: a decision that comes now finds it.
    if scheme.quiz_id and await decisions.has_some(scheme.quiz_id):
        await schemes.note_decided([scheme.quiz_id])
    return tag
