"""
What is forgotten of erased people: their proposals.
"""

from collections.abc import Collection

from services.awards.issued.codes import award_id
from services.awards.proposals.store import ProposalStore
from services.awards.schemes.store import SchemeStore


async def forget_proposals(
    participant_ids: Collection[str],
    schemes: SchemeStore,
    proposals: ProposalStore,
) -> None:
    """
    Remove what is proposed to these people, unless the award is issued.

    Call it before the words of awards are removed: a notice that is issued at this moment writes them.
    """
    scheme_ids = await schemes.ids()
    await proposals.forget([award_id(scheme, one) for scheme in scheme_ids for one in participant_ids])
