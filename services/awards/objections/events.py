"""The event `award.objected`. The same version of an objection gives the same event."""

from datetime import datetime

from services.awards.objections.rules import Objection, Subject
from shared.contracts import sources
from shared.contracts.envelope import Envelope, enclose
from shared.contracts.events import AwardObjected
from shared.contracts.origin import Origin


def objected(
    objection: Objection, subject: Subject, recipient_id: str, now: datetime, origin: Origin
) -> Envelope[AwardObjected]:
    """The event that somebody objected, or that the objection was decided; without words, and not by whom."""
    return enclose(
        AwardObjected(
            objection_id=objection.objection_id,
            version=objection.version,
            scheme_id=objection.scheme_id,
            selection_id=objection.selection_id,
            recipient_id=recipient_id,
            status=objection.outcome or "made",
            said_at=now,
            selection_title=subject.selection_title,
        ),
        source=sources.AWARDS,
        cause=f"{objection.objection_id}/{objection.version}",
        now=now,
        correlation_id=origin.correlation_id,
        traceparent=origin.traceparent,
    )
