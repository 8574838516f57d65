"""The event `award.proposed`. The same version of a proposal gives the same event."""

from datetime import datetime

from services.awards.proposals.rules import Notice, Proposal
from services.awards.schemes.rules import Scheme
from shared.contracts import sources
from shared.contracts.envelope import Envelope, enclose
from shared.contracts.events import AwardProposed


def proposed(proposal: Proposal, scheme: Scheme, notice: Notice, now: datetime) -> Envelope[AwardProposed]:
    """The event that a recipient is proposed, or is not any more, in the version that `told` says."""
    return enclose(
        AwardProposed(
            award_id=proposal.proposal_id,
            version=proposal.told,
            scheme_id=scheme.scheme_id,
            scheme_title=scheme.title,
            kind=scheme.kind,
            tier=proposal.tier,
            recipient_id=proposal.recipient_id,
            cause=proposal.cause,
            status="proposed" if proposal.stands else "withdrawn",
            code=proposal.code,
            notice_version=notice.version,
            notice_until=notice.ends_at or now,
            said_at=now,
        ),
        source=sources.AWARDS,
        cause=f"{proposal.proposal_id}/{proposal.told}",
        now=now,
    )
