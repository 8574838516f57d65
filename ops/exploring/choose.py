"""Contracts and topics by what people call them. All functions are pure."""

from collections.abc import Collection, Iterable, Mapping
from difflib import get_close_matches
from fnmatch import fnmatchcase

from ops.errors import CommandError
from shared.contracts import events, topics
from shared.contracts.envelope import Event

_DEAD = ".dead"


class NoSuchEvent(CommandError):
    """No contract or topic has this name."""


def contract_of(name: str) -> type[Event]:
    """
    The contract with this name: that of its topic, its type or its class.

    Raises:
        NoSuchEvent: there is none.
    """
    for contract in events.ALL:
        if name in (contract.topic, contract.type, contract.__name__):
            return contract
    known = [contract.topic for contract in events.ALL]
    raise NoSuchEvent(f"there is no event {name!r}{_perhaps(name, known)}: kepu emit --list shows all")


def topics_of(patterns: Collection[str], there: Iterable[str], *, dead: bool) -> list[str]:
    """
    The topics to read, in a stable order.

    Args:
        patterns: of names of topics or types, such as `quiz.*` or `kepu.quiz.completed.v1`. They find topics
            that only the broker knows too. None for all that are declared, and all dead letters.
        there: the topics that the broker has.
        dead: read the dead letters of these topics, and not the topics.
    Raises:
        NoSuchEvent: a pattern means none.
    """
    declared = [topic.name for topic in (topics.DEAD if dead else topics.LIVE)]
    others = sorted(name for name in there if name.endswith(_DEAD) == dead and not name.startswith("_"))
    known = list(dict.fromkeys([*declared, *others]))
    if not patterns:
        # Also the letters of services that run in some weeks only, and of partners.
        return known if dead else declared
    chosen: dict[str, None] = {}
    for pattern in patterns:
        found = [name for name in known if _means(pattern, name, dead=dead)]
        if not found:
            what = "topic of dead letters" if dead else "event"
            raise NoSuchEvent(
                f"no {what} is named {pattern}{_perhaps(pattern, known)}: kepu emit --list shows all events,"
                " and quiz.* means all of quiz"
            )
        chosen |= dict.fromkeys(found)
    return [name for name in known if name in chosen]


def _means(pattern: str, name: str, *, dead: bool) -> bool:
    names = [name]
    if dead:
        # Also the name of the topic that the letters come from.
        names += [
            topic
            for topic, groups in _GROUPS.items()
            for group in groups
            if name == topics.dead_letters(topic, group)
        ]
    names += [type_ for topic, type_ in _TYPES.items() if topic in names]
    return any(fnmatchcase(one, pattern) for one in names)


def _perhaps(name: str, known: Collection[str]) -> str:
    found = get_close_matches(name.removeprefix("kepu."), known, n=1)
    return f" (did you mean {found[0]}?)" if found else ""


_TYPES: Mapping[str, str] = {contract.topic: contract.type for contract in events.ALL}
_GROUPS: Mapping[str, tuple[str, ...]] = {topic.name: topic.all_groups for topic in topics.LIVE}
