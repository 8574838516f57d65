"""A participant who has shown who they are gets a token."""

from services.registration.participants.rules import Participant
from shared.runtime import clock
from shared.web.tokens import TokenSigner


def give_token(signer: TokenSigner, participant: Participant, *, on_roster: bool = False) -> str:
    """A token of this participant, who is not erased."""
    profile, now = participant.profile, clock.now()
    assert profile is not None  # noqa: S101 (an erased participant gets no token)
    # Tokens know only whole seconds: this one must not count among those that have just ended.
    issued_at = max(now, participant.tokens_from or now, participant.roster_from or now)
    return signer.sign(
        participant.participant_id,
        profile.group_id,
        profile.district,
        issued_at,
        verified=participant.may_compete(issued_at),
        # A newcomer who has shown nothing may have given the address of a member.
        on_roster=on_roster and participant.is_verified,
    )
