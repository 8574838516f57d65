"""A record as people and programs read it."""

import base64
import json
from collections.abc import Iterator, Mapping
from typing import Any

from rich.text import Text

from ops.exploring.heard import Heard
from shared.contracts.envelope import Event, Part
from shared.contracts.sources import OURS

FIELDS_MAX = 8
VALUE_CHARS_MAX = 40
NAME_CHARS_MAX = 128
# A field of this ending is encrypted. Only one service can open it.
SEALED = ("_sealed", "_locked")
_COLOURS = {
    "session": "blue",
    "participant": "magenta",
    "group": "magenta",
    "registration": "green",
    "shift": "green",
    "quiz": "yellow",
    "award": "cyan",
    "draw": "cyan",
    "selection": "cyan",
    "notification": "white",
}


def line(one: Heard) -> Text:
    """
    One line: time, topic, key, and the first fields of the body that say something.

    Of a dead letter, and of a record that our groups would refuse, it says why, and nothing of the content.
    """
    text = Text(f"{one.at.astimezone():%m-%d %H:%M:%S.%f}"[:-3], style="dim")
    colour = "red" if one.given_up or one.problem else _COLOURS.get(one.topic.partition(".")[0], "white")
    name = one.given_up.get("topic") or one.topic
    text.append(f"  {printable(name)}", style=f"bold {colour}")
    text.append(f"  {printable(one.key) if one.key is not None else '(no key)'}", style="bold")
    source = one.headers.get("ce_source", "")
    if source and source not in OURS:
        text.append(f"  from {printable(source)}", style="italic")
    if one.given_up:
        said = one.given_up
        text.append(f"  {printable(said['code'])}: {printable(said['reason'])}", style="red")
        text.append(f"  given up by {printable(said['group'])}, {printable(one.place)}", style="dim")
    elif one.problem:
        code, reason = one.problem
        text.append(f"  {code}: {printable(reason)}", style="red")
        text.append(f"  {printable(one.place)}", style="dim")
    elif one.contract is None:
        text.append(f"  {printable(one.type) or 'no ce_type'}  {printable(one.place)}", style="dim")
    else:
        _append_fields(text, one)
    return text


def as_json(one: Heard) -> str:
    """All of a record as one line of JSON. What is sealed stays sealed."""
    said: dict[str, Any] = {
        "at": one.at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "topic": one.topic,
        "partition": one.partition,
        "offset": one.offset,
        "key": one.key,
        "headers": dict(one.headers),
        "data": one.body,
    }
    if one.value is not None:
        said["data_base64"] = base64.b64encode(one.value).decode()
    if one.problem:
        said["problem"] = {"code": one.problem[0], "reason": one.problem[1]}
    if one.given_up:
        said["dead"] = {name: one.given_up[name] for name in ("group", "code", "reason", "place")}
    return json.dumps(said, ensure_ascii=False)


def printable(text: str) -> str:
    """A text that a stranger may have written, safe for a terminal."""
    return "".join(one if one.isprintable() else "?" for one in text[:NAME_CHARS_MAX])


def _append_fields(text: Text, one: Heard) -> None:
    contract = one.contract
    if contract is None or not isinstance(one.body, dict):
        return
    told = list(_told(contract, one.body))
    for name, value in told[:FIELDS_MAX]:
        text.append(f"  {printable(name)}=", style="dim")
        text.append(value)
    if len(told) > FIELDS_MAX:
        text.append(f"  +{len(told) - FIELDS_MAX}", style="dim")


def _told(contract: type[Event], body: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """
    The fields that say something. The key stands before, and a version is for readers that keep a copy.
    """
    for name, value in body.items():
        field = contract.model_fields.get(name)
        default = field.default if field is not None and not field.is_required() else None
        is_default = value == (list(default) if isinstance(default, tuple) else default)
        if name in (contract.key_field, "version") or is_default or value is None:
            continue
        if isinstance(value, dict) and field is not None and _is_part(field.annotation):
            for inner, said in value.items():
                if said is not None:
                    yield f"{name}.{inner}", _value(inner, said)
        else:
            yield name, _value(name, value)


def _is_part(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, Part)


def _value(name: str, value: Any) -> str:
    if name.endswith(SEALED):
        return "(sealed)"
    if isinstance(value, dict):
        return f"{{{len(value)}}}"
    if isinstance(value, list):
        return f"[{len(value)}]"
    is_word = isinstance(value, str) and " " not in value
    said = printable(value if is_word else json.dumps(value, ensure_ascii=False))
    return said if len(said) <= VALUE_CHARS_MAX else f"{said[: VALUE_CHARS_MAX - 1]}…"
