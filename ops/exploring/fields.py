"""Fields of a body as the command line has them, such as `plan.venue=Hall 2`. All functions are pure."""

import json
from typing import Any

from ops.contracts.wording import Schema, kinds_at
from ops.errors import CommandError

PATH_STEPS_MAX = 8

Path = tuple[str | int, ...]


class FieldUnclear(CommandError):
    """A field on the command line has no path, or leads into something that has no fields."""


def with_fields(body: dict[str, Any], fields: list[str], schema: Schema) -> dict[str, Any]:
    """
    The body with these fields set, each given as `path=value`.

    Where the contract wants a text, the value is that text, also if it looks like a number. Elsewhere it is
    JSON, and what is no JSON is taken as a text.

    Raises:
        FieldUnclear: a path is wrong.
    """
    made: dict[str, Any] = json.loads(json.dumps(body))
    for given in fields:
        name, sign, text = given.partition("=")
        path = tuple(int(step) if step.isdecimal() else step for step in name.split("."))
        if not sign or "" in path or len(path) > PATH_STEPS_MAX:
            raise FieldUnclear(
                f"--field {given[:60]!r}: write NAME=VALUE, such as places=2 or plan.venue=Hall"
            )
        _put(made, path, _value(text, kinds_at(schema, path)))
    return made


def json_path(path: Path) -> str:
    """A place in a body: `$.standings[0].rank`."""
    said = "$"
    for step in path:
        if isinstance(step, int):
            said += f"[{step}]"
        else:
            said += f".{step}" if step.isidentifier() else f"[{json.dumps(step, ensure_ascii=False)}]"
    return said


def _value(text: str, kinds: frozenset[str]) -> Any:
    if text == "null" and "null" in kinds:
        return None
    if "string" in kinds and not kinds & {"array", "object"}:
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


def _put(body: dict[str, Any], path: Path, value: Any) -> None:
    at: Any = body
    for number, step in enumerate(path):
        is_last = number == len(path) - 1
        place = json_path(path[: number + 1])
        if isinstance(at, list):
            if not isinstance(step, int) or step > len(at):
                raise FieldUnclear(f"--field {place}: the list has {len(at)} items, so write 0 to {len(at)}")
            if step == len(at):
                at.append(None)
        elif isinstance(at, dict):
            step = str(step)
        else:
            raise FieldUnclear(f"--field {place}: what stands before it is a value and has no fields")
        if is_last:
            at[step] = value
            return
        inner = at.get(step) if isinstance(at, dict) else at[step]
        if inner is None:
            inner = at[step] = [] if isinstance(path[number + 1], int) else {}
        at = inner
