"""
What is forgotten of erased people: their proposals, and the words of objections by them or against them.
"""

from collections.abc import Collection

from services.awards.issued.codes import award_id
from services.awards.proposals.store import ObjectionStore, ProposalStore
from services.awards.schemes.store import SchemeStore


async def forget_proposals(
    participant_ids: Collection[str],
    schemes: SchemeStore,
    proposals: ProposalStore,
    objections: ObjectionStore,
) -> None:
    """Remove what is proposed to these people, unless the award is issued, and the words about them."""
    scheme_ids = await schemes.ids()
    await proposals.forget([award_id(scheme, one) for scheme in scheme_ids for one in participant_ids])
    await objections.remove_words(participant_ids)
