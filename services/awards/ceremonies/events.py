"""The event `award.handed_over`."""

from services.awards.ceremonies.rules import Handed
from shared.contracts import sources
from shared.contracts.envelope import Envelope, enclose
from shared.contracts.events import AwardHandedOver
from shared.contracts.origin import Origin


def handed_over(handed: Handed, origin: Origin) -> Envelope[AwardHandedOver]:
    """The event that an award was handed over, or that this was a mistake."""
    return enclose(
        AwardHandedOver(
            award_id=handed.award_id,
            version=handed.version,
            award_code=handed.award_code,
            scheme_id=handed.scheme_id,
            recipient_id=handed.recipient_id,
            ceremony_id=handed.ceremony_id,
            by_proxy=handed.by_proxy,
            handed_over=handed.handed_over,
            at=handed.at,
        ),
        source=sources.AWARDS,
        cause=f"{handed.award_id}/{handed.version}",
        now=handed.at,
        parent=origin.parent,
        correlation_id=origin.correlation_id,
        traceparent=origin.traceparent,
    )
