"""Which services are watched, and what their answers mean. All functions are pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal, NamedTuple, TypeAlias, get_args
from urllib.parse import urlsplit

import msgspec

SERVICES_MAX = 20
CHECKS_MAX = 50
NAME_CHARS_MAX = 40
# What was watched longer ago is unknown.
FRESH = timedelta(seconds=30)
OK = "ok"

Status: TypeAlias = Literal["ok", "failing", "unreachable"]
Problem: TypeAlias = Literal[
    "background", "consumer", "kafka", "mongo", "organiser_keys", "relay", "starting", "unreachable"
]
PROBLEMS: tuple[Problem, ...] = get_args(Problem)
# By the name of a check of /health; or by its first word.
_BY_CHECK: Mapping[str, Problem] = {
    "consumer": "consumer",
    "kafka": "kafka",
    "mongo": "mongo",
    "organiser": "organiser_keys",
    "relay": "relay",
    "start": "starting",
}


class Answer(msgspec.Struct, frozen=True):
    """
    What a service said of itself.

    Attributes:
        checks: by name, "ok" or the problem; None: it gave no answer.
    """

    service: str
    checks: Mapping[str, str] | None


class Watched(NamedTuple):
    """
    What was seen last; None: nothing, or too long ago.

    Attributes:
        behind: by group of consumers, how many events it has not handled yet.
    """

    behind: Mapping[str, int] | None
    answers: Sequence[Answer] | None


def addresses(text: str) -> dict[str, str]:
    """
    The addresses of services by name, from a setting such as `quiz=http://10.0.0.5:8000,awards=http://…`.

    Raises:
        ValueError: a part of it is no name and address, a name stands twice, or there are too many.
    """
    found: dict[str, str] = {}
    for part in filter(None, (one.strip() for one in text.split(","))):
        name, _, url = part.partition("=")
        address = urlsplit(url)
        is_url = address.scheme in ("http", "https") and address.hostname
        if not is_url or not 0 < len(name) <= NAME_CHARS_MAX:
            raise ValueError("has to be like quiz=http://10.0.0.5:8000, with commas between services")
        if name in found:
            raise ValueError(f"names {name} twice")
        found[name] = url.rstrip("/")
    if len(found) > SERVICES_MAX:
        raise ValueError(f"names more than {SERVICES_MAX} services")
    return found


def status_of(answer: Answer) -> Status:
    """How a service is, in a word."""
    if answer.checks is None:
        return "unreachable"
    return "ok" if all(word == OK for word in answer.checks.values()) else "failing"


def problems_of(answer: Answer) -> list[tuple[Problem, str]]:
    """What is wrong with a service: the kind of each problem, and the check that failed."""
    if answer.checks is None:
        return [("unreachable", "")]
    failing = [check for check, word in answer.checks.items() if word != OK]
    return [(_BY_CHECK.get(check.partition(" ")[0], "background"), check) for check in failing]


def is_fresh(at: datetime | None, now: datetime) -> bool:
    """Whether what was seen then still says something."""
    return at is not None and now - at <= FRESH
