"""The events `draw.announced` and `award.drawn`. The same version of a drawing gives the same event every
time."""

from uuid import UUID

from services.awards.draws.rules import Drawing
from shared.contracts import sources
from shared.contracts.envelope import Envelope, Event, enclose
from shared.contracts.events import AwardDrawn, DrawAnnounced, DrawMove, DrawPrize, DrawTie, SeedSource
from shared.contracts.origin import Origin
from shared.runtime.ids import derived_id

DRAWING_IDS = UUID("2d0f2a0c-6a5e-5f0b-9f6d-0a5c3b7d4e21")


def drawing_id(draw_id: str, number: int) -> str:
    """The id of a drawing: the cause of its awards."""
    return derived_id(DRAWING_IDS, draw_id, str(number))


def announced(drawing: Drawing, origin: Origin) -> Envelope[Event]:
    """The event that the list is fixed, or that a draw without winners is held again."""
    event = DrawAnnounced(
        draw_id=drawing.draw_id,
        number=drawing.number,
        version=drawing.version,
        title=drawing.title,
        scheme_id=drawing.scheme_id,
        prizes=_prizes(drawing),
        reserves=drawing.reserves,
        algorithm=drawing.algorithm,
        sources=tuple(
            SeedSource(description=one.description, expected_at=one.expected_at, sha256=one.sha256)
            for one in drawing.sources
        ),
        entrants=drawing.entrants,
        chances=drawing.chances,
        list_sha256=drawing.list_sha256,
        announced_at=drawing.announced_at,
        replaced_because=drawing.replaced_because,
        tied=DrawTie(scheme_id=drawing.tied[0], tier=drawing.tied[1]) if drawing.tied else None,
    )
    return _enclosed(event, drawing, origin)


def held(drawing: Drawing, origin: Origin) -> Envelope[Event]:
    """The event that winners were drawn, or that something has changed since."""
    assert drawing.seed is not None and drawing.held_at is not None  # noqa: S101, PT018 (callers draw first)
    event = AwardDrawn(
        draw_id=drawing.draw_id,
        number=drawing.number,
        version=drawing.version,
        title=drawing.title,
        scheme_id=drawing.scheme_id,
        prizes=_prizes(drawing),
        algorithm=drawing.algorithm,
        list_sha256=drawing.list_sha256,
        seed=drawing.seed,
        drawn=drawing.drawn,
        moved=tuple(DrawMove(entrant_id=move.entrant_id, code=move.code) for move in drawing.moved),
        held_at=drawing.held_at,
        replaced_because=drawing.replaced_because,
    )
    return _enclosed(event, drawing, origin)


def _prizes(drawing: Drawing) -> tuple[DrawPrize, ...]:
    return tuple(DrawPrize(tier=tier, places=places) for tier, places in drawing.prizes)


def _enclosed(event: Event, drawing: Drawing, origin: Origin) -> Envelope[Event]:
    return enclose(
        event,
        source=sources.AWARDS,
        cause=f"{drawing.drawing_id}/{drawing.version}",
        now=drawing.changed_at,
        parent=origin.parent,
        correlation_id=origin.correlation_id,
        traceparent=origin.traceparent,
    )
