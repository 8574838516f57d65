"""Forgetting what organisers wrote about the erased; their awards stay, under ids that say nothing."""

from collections.abc import Iterable

from services.awards.issued.store import AwardStore
from services.awards.schemes.store import SchemeStore


async def forget_words(recipient_ids: Iterable[str], awards: AwardStore, schemes: SchemeStore) -> None:
    """Remove notes and reasons from all awards of these recipients."""
    await awards.remove_words(recipient_ids, await schemes.ids())
