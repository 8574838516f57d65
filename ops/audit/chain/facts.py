"""What concerns one award: its records of the log, and its documents."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, TypeAlias

from ops.audit.known import Known
from ops.audit.log import Entry, Log

Json: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Named:
    """Which award it is. The row says it, or, if there is none, an event."""

    award_code: str
    award_id: str
    scheme_id: str
    recipient_id: str


@dataclass(frozen=True, slots=True)
class OfQuiz:
    """
    The documents of a quiz that concern the award.

    Attributes:
        results: by attempt. Those of the recipient are whole; of others only the submission is known.
        disqualification: the recipient's.
        standings: of erased people, who are ranked only if they stand.
    """

    quiz: Json
    definitions: Mapping[tuple[str, int], Json]
    results: Mapping[str, Json]
    parked: frozenset[str] = frozenset()
    disqualification: Json | None = None
    standing_erased: frozenset[str] = frozenset()

    def mine(self, recipient_id: str) -> dict[str, Json]:
        """The results that are stored as the recipient's, by attempt."""
        return {id_: one for id_, one in self.results.items() if one.get("participant_id") == recipient_id}


@dataclass(frozen=True, slots=True)
class Shown:
    """
    What awards shows of the award over HTTP.

    Attributes:
        bits: by place, whether the published status list has its bit set; None: nobody publishes the list.
        verdict: on the credential, if there is one: the code and why.
    """

    bits: Mapping[int, bool | None] = field(default_factory=dict)
    verdict: tuple[str, str] | None = None


@dataclass(frozen=True)
class Facts:
    """
    Everything that the links are computed from.

    Attributes:
        award: the row; None if there is none.
        messages: to the recipient; None if notifications was not asked.
        lists: by drawing, the text of its list of entrants.
    """

    named: Named
    log: Log
    now: datetime
    award: Json | None = None
    scheme: Json | None = None
    of_quiz: OfQuiz | None = None
    notice: Json | None = None
    proposal: Json | None = None
    drawings: Sequence[Json] = ()
    lists: Mapping[tuple[str, int], str] = field(default_factory=dict)
    handed_over: Json | None = None
    prints: Sequence[tuple[str, str]] = ()
    messages: Sequence[Json] | None = None
    shown: Shown = field(default_factory=Shown)

    @property
    def rule(self) -> Json:
        """The rule of the scheme; its type is `unknown` if there is no scheme."""
        rule: Json = (self.scheme or {}).get("rule") or {"type": "unknown"}
        return rule

    @property
    def whose(self) -> str:
        """Scheme and recipient, as `ops.audit.awards` names an award."""
        return f"{self.named.scheme_id}/{self.named.recipient_id}"

    @cached_property
    def erased(self) -> frozenset[str]:
        """Everybody who was erased."""
        return frozenset(event.key for event in self.log.events("participant.erased"))

    @property
    def is_erased(self) -> bool:
        """True if the recipient was erased."""
        return self.named.recipient_id in self.erased

    @cached_property
    def known(self) -> Known | None:
        """The quiz of the award, if it follows from one."""
        if self.of_quiz is None:
            return None
        published = [event.body for event in self.log.events("quiz.published")]
        return Known(
            {self.of_quiz.quiz["_id"]: self.of_quiz.quiz},
            self.of_quiz.definitions,
            {(body["quiz_id"], body["version"]): body for body in published},
        )

    def mine(self, topic: str) -> list[Entry]:
        """The recipient's events of a topic, by version."""
        found = (event for event in self.log.events(topic) if event.key == self.named.recipient_id)
        return sorted(found, key=lambda event: event.body.get("version", 1))

    def of_award(self, topic: str) -> list[Entry]:
        """The events of a topic that are about this award, by version."""
        return [event for event in self.mine(topic) if event.body.get("award_id") == self.named.award_id]

    def in_quiz(self, topic: str) -> list[Entry]:
        """The recipient's events of a topic in the quiz of the award."""
        return [event for event in self.mine(topic) if event.body["quiz_id"] == self.rule.get("quiz_id")]
