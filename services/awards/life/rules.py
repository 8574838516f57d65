"""Where a scheme is in its life. All functions are pure."""

from dataclasses import dataclass
from typing import Literal

from services.awards.draws.rules import State
from services.awards.proposals.rules import Status as NoticeStatus
from services.awards.schemes.rules import Conferred, Drawn, Scheme, Selected
from services.awards.selections.rules import Phase

Status = Literal["draft", "announced", "running", "published", "final"]


@dataclass(frozen=True, slots=True)
class Facts:
    """
    What is known of a scheme and of what decides its awards.

    Attributes:
        in_use: it has awards or proposals.
        has_results: its quiz has results.
        closed: its quiz is closed; `cancelled`: the quiz was cancelled.
        undecided: a tie at the end of the standings, or at the end of a tier, is not decided.
        notice: of a scheme with a public notice.
        draw: the state of its draw, None without one; `draw_works`: awards are being given by it.
        phase: of its selection, None without one.
    """

    in_use: bool = False
    has_results: bool = False
    closed: bool = False
    cancelled: bool = False
    undecided: bool = False
    notice: NoticeStatus = "preparing"
    draw: State | None = None
    draw_works: bool = False
    phase: Phase | None = None


def status_of(scheme: Scheme, facts: Facts) -> Status:
    """Where a scheme is in its life."""
    if scheme.draft:
        return "draft"
    if scheme.notice and facts.notice != "preparing":
        return "final" if facts.notice == "final" else "published"
    if isinstance(scheme.rule, Drawn):
        return _by_draw(facts)
    if isinstance(scheme.rule, Selected):
        return _by_selection(facts)
    if isinstance(scheme.rule, Conferred):
        return "running" if facts.in_use else "announced"
    if facts.cancelled:
        return "final"
    if facts.closed:
        # Nobody sees the proposals before they are published.
        return "running" if scheme.notice else ("published" if facts.undecided else "final")
    return "running" if facts.has_results else "announced"


def _by_draw(facts: Facts) -> Status:
    if facts.draw is None:
        return "announced"
    if facts.draw == "held":
        return "published" if facts.draw_works else "final"
    return "published" if facts.draw == "announced" else "running"


def _by_selection(facts: Facts) -> Status:
    match facts.phase:
        case None | "preparing":
            return "announced"
        case "nominating" | "scoring" | "ranking":
            return "running"
        case "notice" | "deciding":
            return "published"
        case "decided":
            return "final"
