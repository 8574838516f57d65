"""The standings of a quiz as a live board: read once, encoded once for each number of rows."""

import hashlib
from collections.abc import Hashable
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

import msgspec

from services.quiz.live.rules import State, ends, shows_standings, told
from services.quiz.quizzes.catalogue import Catalogue
from services.quiz.scoring.rules import HALF_POINTS_A_POINT, score_percent
from services.quiz.standings.aliases import Aliases
from services.quiz.standings.ranks import Ranks
from services.quiz.standings.rules import Standing
from shared.runtime.errors import NotFound
from shared.web.live.frames import Frame, event

# As many as a page of standings may have.
ROWS_MAX = 100
ID_BYTES = 9

_json = msgspec.json.Encoder()


class View(NamedTuple):
    """
    What a listener is shown.

    Attributes:
        with_ids: whose standings they are; for organisers.
        sees_withheld: also while the quiz withholds scores.
    """

    limit: int
    with_ids: bool = False
    sees_withheld: bool = False


class Mark(NamedTuple):
    """What was told last: the state, and which standings."""

    state: State
    standings: str


class RowSent(msgspec.Struct, omit_defaults=True):
    """One standing as it is sent; as on the page of standings."""

    rank: int
    alias: str
    points: float
    score_percent: int
    time_used_seconds: int
    finished_at: datetime
    participant_id: str | None = None


class StandingsSent(msgspec.Struct):
    """The data of an event `standings`."""

    quiz_id: str
    final: bool
    frozen_at: datetime | None
    participants: int
    points_max: float
    standings: list[msgspec.Raw]


class ChangeSent(msgspec.Struct, omit_defaults=True):
    """The data of any other event."""

    quiz_id: str
    frozen_at: datetime | None = None


@dataclass(slots=True)
class StandingsShown:
    """The first standings of a quiz at a moment, and what is made of them for those who listen."""

    quiz_id: str
    state: State
    participants: int = 0
    half_points_max: int = 0
    standings: list[Standing] = field(default_factory=list)
    # They follow from the standings.
    aliases: list[str] = field(default_factory=list, compare=False)
    _rows: dict[bool, list[msgspec.Raw]] = field(default_factory=dict, compare=False)
    _data: dict[tuple[int, bool], bytes] = field(default_factory=dict, compare=False)
    _frames: dict[tuple[View, Hashable], Frame] = field(default_factory=dict, compare=False)

    def frame(self, view: Hashable, before: Hashable) -> Frame:
        """What this view gets (shared/web/live/boards.py)."""
        assert isinstance(view, View)  # noqa: S101 (the route of this board gives it)
        key = view, before
        if key not in self._frames:
            self._frames[key] = self._made(view, before if isinstance(before, Mark) else None)
        return self._frames[key]

    def _sent(self, view: View) -> bytes:
        key = view.limit, view.with_ids
        if key not in self._data:
            if view.with_ids not in self._rows:
                self._rows[view.with_ids] = self._encoded(with_ids=view.with_ids)
            sent = StandingsSent(
                self.quiz_id,
                self.state.status == "closed",
                self.state.frozen_at,
                self.participants,
                self.half_points_max / HALF_POINTS_A_POINT,
                self._rows[view.with_ids][: view.limit],
            )
            self._data[key] = _json.encode(sent)
        return self._data[key]

    def _made(self, view: View, before: Mark | None) -> Frame:
        names = told(before.state if before else None, self.state, sees_withheld=view.sees_withheld)
        if not shows_standings(names):
            gone = event(names[0], _json.encode(ChangeSent(self.quiz_id)), "")
            return Frame("", gone, ends=True)
        data = self._sent(view)
        mark = Mark(self.state, hashlib.blake2b(data, digest_size=ID_BYTES).hexdigest())
        changes = [(name, _json.encode(ChangeSent(self.quiz_id, self.state.frozen_at))) for name in names]
        is_new = before is None or before.standings != mark.standings
        events = [("standings", data), *changes] if is_new else changes
        # A closed quiz may have standings that are those of before, and a browser must hear of the close.
        id_ = f"{mark.standings}-{self.state.status}"
        last = len(events) - 1
        said = [event(name, sent, id_ if at == last else None) for at, (name, sent) in enumerate(events)]
        return Frame(id_, b"".join(said), ends(names), mark)

    def _encoded(self, *, with_ids: bool) -> list[msgspec.Raw]:
        return [
            msgspec.Raw(
                _json.encode(
                    RowSent(
                        one.rank,
                        alias,
                        one.parts.half_points / HALF_POINTS_A_POINT,
                        # As on the page: a standing may have points of a question that is taken out.
                        min(100, score_percent(one.parts.half_points, self.half_points_max)),
                        one.parts.time_used_seconds,
                        one.parts.finished_at,
                        one.participant_id if with_ids else None,
                    )
                )
            )
            for one, alias in zip(self.standings, self.aliases, strict=True)
        ]


class StandingsBoards:
    """Reads the standings of quizzes, as their page does."""

    def __init__(self, catalogue: Catalogue, ranks: Ranks, aliases: Aliases) -> None:
        self._catalogue = catalogue
        self._ranks = ranks
        self._aliases = aliases

    async def read(self, quiz_id: str) -> StandingsShown:
        """
        The first standings of a quiz.

        Raises:
            Unavailable: the database does not answer, or the quiz could not be read.
        """
        try:
            # The quiz before its standings: if it is closed then, they are final.
            offered = self._catalogue.find(quiz_id)
        except NotFound:
            return StandingsShown(quiz_id, State("removed"))
        record = offered.record
        best, _ = await self._ranks.page(record, None, ROWS_MAX)
        return StandingsShown(
            quiz_id,
            State(record.status, record.frozen_at, record.withholds_scores),
            max(await self._ranks.participants(quiz_id), len(best)),
            offered.half_points_max,
            best,
            [self._aliases.of(quiz_id, one.participant_id) for one in best],
        )
