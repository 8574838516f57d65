"""
Participants who have left a roster and are on none: what their earlier tokens say of it is not true any more.

A token is valid for weeks. Registration says by `participant.joined` from when on what tokens say of rosters
holds (docs/decisions/0058-leaving-a-roster.md). It is kept and read as ended tokens are.

off_roster   `from`: what tokens issued before say of rosters does not hold; kept as long as one can be valid
"""

from collections.abc import Iterable
from dataclasses import replace

from shared.contracts.events import ParticipantJoined
from shared.storage.ended_tokens import EndedTokens
from shared.storage.mongo import Database
from shared.web.tokens import Participant


class OffRoster:
    """Knows who has left the last roster, in memory."""

    def __init__(self, database: Database) -> None:
        self._left = EndedTokens(database, "off_roster")
        self.loop = self._left.loop

    async def prepare(self) -> None:
        """Create the index, and read all."""
        await self._left.prepare()

    async def refresh(self) -> None:
        """Learn who has left since the last refresh."""
        await self._left.refresh()

    async def keep(self, joined: Iterable[ParticipantJoined]) -> None:
        """Keep what these events say; a repeat changes nothing."""
        await self._left.end({one.participant_id: one.roster_from for one in joined if one.roster_from})

    def said_now(self, who: Participant) -> Participant:
        """
        What the token says that still holds.

        Without group and district: then results are counted by the profile, which says them.
        """
        if not self._left.is_ended(who.participant_id, who.issued_at):
            return who
        return replace(who, on_roster=False, group_id=None, district=None)
