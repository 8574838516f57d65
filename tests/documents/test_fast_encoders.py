"""CONTRIBUTING.md names every event that a faster encoder writes or reads beside its contract."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
HEADINGS = ("## Add an optional field to an event", "## Add an event or a topic")


def listed() -> set[str]:
    """The events in the table of the section."""
    section = (ROOT / "CONTRIBUTING.md").read_text().split(HEADINGS[0] + "\n")[1].split(HEADINGS[1])[0]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    return {name for row in rows for name in re.findall(r"`(\w+)`", row)}


def fast_in(tree: ast.Module) -> Iterator[str]:
    """
    The events that a module writes or reads by itself: `record_of(Event, …)`, `return Event.topic, key, …`,
    `decoders={Event.topic: …}`.
    """
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id="record_of"), args=[ast.Name(id=name), *_]):
                yield name
            case ast.Return(value=ast.Tuple(elts=[ast.Attribute(value=ast.Name(id=name), attr="topic"), *_])):
                # `contract.topic`: the function that others give their event to.
                if name[0].isupper():
                    yield name
            case ast.keyword(arg="decoders", value=ast.Dict(keys=keys)):
                yield from (
                    key.value.id
                    for key in keys
                    if isinstance(key, ast.Attribute) and isinstance(key.value, ast.Name)
                )


def test_the_list_of_faster_encoders_is_that_of_the_code() -> None:
    modules = [ast.parse(file.read_text()) for file in sorted((ROOT / "services").rglob("*.py"))]
    assert listed() == {name for module in modules for name in fast_in(module)}
