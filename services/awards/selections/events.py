"""The events of a selection and of its nominees. The same change gives the same event every time."""

from datetime import datetime

from services.awards.selections.rules import Nominee, Selection
from shared.contracts.envelope import Envelope, enclose
from shared.contracts.events import (
    SelectionAdmitted,
    SelectionCriterion,
    SelectionNominated,
    SelectionOpened,
)
from shared.contracts.origin import Origin
from shared.contracts.sources import AWARDS


def opened(selection: Selection, version: int, now: datetime, origin: Origin) -> Envelope[SelectionOpened]:
    """The event that a selection was put or changed."""
    event = SelectionOpened(
        selection_id=selection.selection_id,
        version=version,
        title=selection.title,
        scheme_id=selection.scheme_id,
        places=selection.places,
        candidates_at_most=selection.candidates_at_most,
        nominations_from=selection.nominations_from,
        nominations_until=selection.nominations_until,
        scoring_until=selection.scoring_until,
        notice_seconds=selection.notice_seconds,
        experts_per_nominee=selection.experts_per_nominee,
        drop_extremes=selection.drop_extremes,
        criteria=tuple(
            SelectionCriterion(id=one.id, title=one.title, weight=one.weight, points_max=one.points_max)
            for one in selection.criteria
        ),
    )
    return enclose(
        event,
        source=AWARDS,
        cause=f"{selection.selection_id}/{version}",
        now=now,
        correlation_id=origin.correlation_id,
        traceparent=origin.traceparent,
    )


def nominated(nominee: Nominee, selection: Selection, origin: Origin) -> Envelope[SelectionNominated]:
    """The event that somebody is nominated, or withdrawn."""
    event = SelectionNominated(
        selection_id=nominee.selection_id,
        participant_id=nominee.participant_id,
        version=nominee.version,
        withdrawn=nominee.withdrawn_at is not None,
        changed_at=nominee.changed_at,
        selection_title=selection.title,
    )
    return enclose(
        event,
        source=AWARDS,
        cause=_cause(nominee),
        now=nominee.changed_at,
        correlation_id=origin.correlation_id,
        traceparent=origin.traceparent,
    )


def admitted(nominee: Nominee, selection: Selection, origin: Origin) -> Envelope[SelectionAdmitted]:
    """The event that organisers have checked a nominee."""
    event = SelectionAdmitted(
        selection_id=nominee.selection_id,
        participant_id=nominee.participant_id,
        version=nominee.version,
        admitted=nominee.admitted is True,
        code=nominee.code,
        decided_at=nominee.changed_at,
        selection_title=selection.title,
    )
    return enclose(
        event,
        source=AWARDS,
        cause=_cause(nominee),
        now=nominee.changed_at,
        correlation_id=origin.correlation_id,
        traceparent=origin.traceparent,
    )


def _cause(nominee: Nominee) -> str:
    return f"{nominee.selection_id}/{nominee.participant_id}/{nominee.version}"
