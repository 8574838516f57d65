"""Which dead letters somebody means, and which of them may be sent again. All functions are pure."""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from ops.dead.letters import Letter
from ops.errors import CommandError
from shared.contracts import topics
from shared.contracts.topics import Topic

# A record that fails after so many tries will fail again: something has to be mended before.
TIMES_MAX = 3
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class ChoiceUnclear(CommandError):
    """What was asked for names no dead letters."""


@dataclass(frozen=True, slots=True)
class Choice:
    """
    Which letters are meant; an empty field means all.

    Args:
        more: topics that are read beside those that the code declares: those of partners.
    """

    names: tuple[str, ...] = ()
    topic: str = ""
    group: str = ""
    code: str = ""
    source: str = ""
    event_id: str = ""
    since: datetime | None = None
    until: datetime | None = None
    state: str = "waiting"
    more: tuple[Topic, ...] = ()

    @property
    def topics(self) -> set[str]:
        """
        The topics of dead letters that can have such letters.

        Raises:
            ChoiceUnclear: there are none.
        """
        known = [topic for topic in (*topics.LIVE, *self.more) if topic.all_groups]
        all_of = {topics.dead_letters(topic.name, group) for topic in known for group in topic.all_groups}
        if self.names:
            named = {name.split("/")[0] for name in self.names}
            if named - all_of:
                raise _unknown(next(name for name in self.names if name.split("/")[0] not in all_of))
            return named
        if self.topic and self.topic not in {topic.name for topic in known}:
            raise ChoiceUnclear(
                f"no group reads a topic {self.topic}: {', '.join(topic.name for topic in known)}"
            )
        groups = {group for topic in known for group in topic.all_groups if self.topic in ("", topic.name)}
        if self.group and self.group not in groups:
            raise ChoiceUnclear(f"there is no group {self.group} here: {', '.join(sorted(groups))}")
        return {
            topics.dead_letters(topic.name, group)
            for topic in known
            for group in topic.all_groups
            if self.topic in ("", topic.name) and self.group in ("", group)
        }

    def of(self, letters: Iterable[Letter]) -> list[Letter]:
        """
        Those of the letters that are meant. Letters that are named may have any state.

        Raises:
            ChoiceUnclear: a name is not that of a dead letter.
        """
        if self.names:
            by_name = {letter.name: letter for letter in letters}
            if unknown := [name for name in self.names if name not in by_name]:
                raise _unknown(unknown[0])
            return [by_name[name] for name in dict.fromkeys(self.names)]
        return [letter for letter in letters if self._means(letter)]

    def _means(self, letter: Letter) -> bool:
        return (
            self.state in ("all", letter.state)
            and self.topic in ("", letter.topic)
            and self.group in ("", letter.group)
            and self.code in ("", letter.code)
            and self.source in ("", letter.source)
            and self.event_id in ("", letter.event_id)
            and (self.since is None or letter.at >= self.since)
            and (self.until is None or letter.at < self.until)
        )


@dataclass(frozen=True, slots=True)
class Refused:
    """A letter that is not sent again, and why."""

    letter: Letter
    why: str


def may_go_again(
    letters: Sequence[Letter], replaced: Collection[str], *, times_max: int = TIMES_MAX
) -> tuple[list[Letter], list[Refused]]:
    """
    Those that may be sent again, and the others with the reason.

    Args:
        replaced: the names of letters whose key has a later record in a compacted topic. There the record
            would replace it.
    """
    go: list[Letter] = []
    refused: list[Refused] = []
    for letter in letters:
        if letter.value is None:
            refused.append(Refused(letter, "it does not contain the record: ask the sender to send it again"))
        elif letter.name in replaced:
            refused.append(Refused(letter, "a later record of the same key has replaced it"))
        elif letter.times >= times_max:
            refused.append(
                Refused(
                    letter, f"it was sent again {letter.times} times: mend the cause, or raise --times-max"
                )
            )
        else:
            go.append(letter)
    return go, refused


def moment_of(text: str, now: datetime) -> datetime:
    """
    A time as people give it: "2h" ago (s, m, h, d), or RFC 3339.

    Raises:
        ChoiceUnclear: it is neither.
    """
    if ago := re.fullmatch(r"(\d{1,6})([smhd])", text):
        return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise ChoiceUnclear(
            f"{text!r} is no time: say how long ago, such as 30m, 2h or 3d, or 2027-05-20T08:00:00+08:00"
        )
    return moment.astimezone(UTC)


def _unknown(name: str) -> ChoiceUnclear:
    return ChoiceUnclear(
        f"there is no dead letter {name}: kepu dead list shows the names, "
        "such as quiz.submitted.quiz-grading.dead/0/17"
    )
