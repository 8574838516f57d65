"""What people have written about events, fields, keys and codes: events.toml."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FILE = Path(__file__).with_name("events.toml")


class NoWords(Exception):
    """Nobody has written about something that the catalogue shows."""


@dataclass(frozen=True, slots=True)
class Words:
    """What people have written about an event: the fact, when it is written, and how readers react."""

    happened: str
    when: str
    react: str


@cache
def all_words() -> Mapping[str, Mapping[str, object]]:
    """The file as it is."""
    return tomllib.loads(FILE.read_text())


def of_event(topic: str) -> Words:
    """
    Raises:
        NoWords: there are none.
    """
    found = all_words()["event"].get(topic)
    if not isinstance(found, dict):
        raise NoWords(f"write about {topic} in ops/documents/catalogue/events.toml: happened, when, react")
    return Words(**found)


def of_field(topic: str, path: str) -> str:
    """
    What a field means: in this event at this place, or else what its name means everywhere.

    Raises:
        NoWords: nobody has written it.
    """
    place = path.replace("[]", "")
    found = all_words()["fields"]
    name = place.rpartition(".")[2]
    words = found.get(f"{place}@{topic}") or found.get(name)
    if not isinstance(words, str):
        raise NoWords(f"write what {path} of {topic} means in ops/documents/catalogue/events.toml: {name}")
    return words


def of_key(field: str) -> str:
    """
    Why the events of a topic have this key.

    Raises:
        NoWords: nobody has written it.
    """
    return _one("keys", field)


def of_code(code: str) -> str:
    """
    What the code of a dead letter means.

    Raises:
        NoWords: nobody has written it.
    """
    return _one("codes", code)


def _one(table: str, name: str) -> str:
    words = all_words()[table].get(name)
    if not isinstance(words, str):
        raise NoWords(f"write about {name} in ops/documents/catalogue/events.toml, under [{table}]")
    return words
