"""
The contracts for other teams: JSON Schemas, an AsyncAPI 3.0 document, and the schemas of each release.

    python -m ops.contracts.documents                   write contracts/ anew
    python -m ops.contracts.documents check             list what is out of date or breaks a release
    python -m ops.contracts.documents release 0.2.0     keep the schemas of now as those of a release

Everything is generated from `shared.contracts.events` and `shared.contracts.topics`, with the golden records
of the tests as examples. So the documents always match the code.
"""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic.json_schema import models_json_schema

from ops.contracts.compatibility import breaks
from shared.contracts import events, topics
from shared.contracts.checked import ID_PATTERN
from shared.contracts.envelope import Event

ROOT = Path(__file__).parents[2]
PUBLISHED = ROOT / "contracts"
GOLDEN = ROOT / "tests" / "contracts" / "golden"
RELEASED = "released"
ASYNCAPI = "asyncapi.json"
SCHEMA_SUFFIX = ".schema.json"
DIALECT = "https://json-schema.org/draft/2020-12/schema"
KAFKA_BINDING = "0.5.0"
DEAD_LETTER = "DeadLetter"

_HEADERS: dict[str, str] = {
    "ce_specversion": "1.0",
    "ce_id": "The same on every repeat; readers that must not repeat an effect look at it",
    "ce_source": "Who says it, such as kepu/quiz",
    "ce_type": "The contract and its version",
    "ce_time": "When it happened, RFC 3339; the record's own time if missing",
    "ce_subject": "The id that it is about; the record's key if missing",
    "ce_correlationid": "The same on everything that follows from one request; ce_id if missing",
    "ce_causationid": "The ce_id of the event that this one follows from",
    "traceparent": "W3C trace context",
    "content-type": "application/json; assumed if missing",
}
_REQUIRED = ("ce_specversion", "ce_id", "ce_source", "ce_type")
_DEAD_HEADERS: dict[str, str] = {
    "dead_code": "Why, as a stable code",
    "dead_reason": "Why, in a sentence",
    "dead_group": "The consumer group that gave it up",
    "dead_topic": "The topic that it came from",
    "dead_partition": "The partition there",
    "dead_offset": "The offset there",
    "dead_time": "When it was given up",
}


def schema_of(contract: type[Event]) -> dict[str, Any]:
    """The JSON Schema of an event's data."""
    return {"$schema": DIALECT, "$id": f"urn:{contract.type}", **contract.model_json_schema()}


def documents() -> dict[str, str]:
    """The text of every published file, by its name in contracts/."""
    found = {f"{contract.type}{SCHEMA_SUFFIX}": _text(schema_of(contract)) for contract in events.ALL}
    return {**found, ASYNCAPI: _text(asyncapi())}


def asyncapi() -> dict[str, Any]:
    """The AsyncAPI 3.0 document. It has a channel for each topic, also for dead letters."""
    _, found = models_json_schema(
        [(contract, "validation") for contract in events.ALL], ref_template="#/components/schemas/{model}"
    )
    contracts = {contract.topic: contract for contract in events.ALL}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Kepu Week",
            "version": "1",
            "description": (
                "The events of a Science & Technology Week. CloudEvents 1.0 on Kafka, binary content mode: "
                "headers carry the context, the value is the JSON data alone. Delivery is at least once; "
                "a repeat carries the same ce_id. Readers ignore fields that they do not know."
            ),
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {topic.name: _channel(topic, contracts.get(topic.name)) for topic in topics.ALL},
        "operations": dict(_operations(contracts)),
        "components": {
            "schemas": found["$defs"],
            "messages": {
                **{contract.__name__: _message(contract) for contract in events.ALL},
                DEAD_LETTER: _dead_letter(),
            },
        },
    }


def _channel(topic: topics.Topic, contract: type[Event] | None) -> dict[str, Any]:
    name = contract.__name__ if contract else DEAD_LETTER
    about = (
        f"Keyed by {contract.key_field}: the events of one key are seen in order."
        if contract
        else "What a consumer gave up, exactly as it came, with the reason."
    )
    return {
        "address": topic.name,
        "description": about,
        "messages": {name: {"$ref": f"#/components/messages/{name}"}},
        "bindings": {
            "kafka": {
                "topic": topic.name,
                "partitions": topic.partitions,
                "topicConfiguration": {
                    "retention.ms": int(topic.config["retention.ms"]),
                    "max.message.bytes": int(topic.config["max.message.bytes"]),
                },
                "bindingVersion": KAFKA_BINDING,
            }
        },
    }


def _operations(contracts: Mapping[str, type[Event]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """
    The operations from the view of Kepu Week: what it sends, others may receive, and the other way round.
    """
    for topic in topics.ALL:
        channel = {"$ref": f"#/channels/{topic.name}"}
        contract = contracts.get(topic.name)
        if contract not in events.COMMANDS or events.COMMANDS[contract]:
            yield f"send-{topic.name}", {"action": "send", "channel": channel}
        for group in topic.groups:
            yield (
                f"receive-{topic.name}-{group}",
                {
                    "action": "receive",
                    "channel": channel,
                    "bindings": {
                        "kafka": {
                            "groupId": {"type": "string", "enum": [group]},
                            "bindingVersion": KAFKA_BINDING,
                        }
                    },
                },
            )


def _message(contract: type[Event]) -> dict[str, Any]:
    golden = json.loads((GOLDEN / f"{contract.type}.json").read_text())
    headers = {name: {"type": "string", "description": about} for name, about in _HEADERS.items()}
    headers["ce_specversion"] = {"type": "string", "const": "1.0"}
    headers["ce_type"] = {"type": "string", "const": contract.type}
    return {
        "name": contract.type,
        "title": contract.__name__,
        "summary": (contract.__doc__ or "").strip().split("\n")[0],
        "headers": {"type": "object", "properties": headers, "required": list(_REQUIRED)},
        "payload": {"$ref": f"#/components/schemas/{contract.__name__}"},
        "bindings": {
            "kafka": {"key": {"type": "string", "pattern": ID_PATTERN}, "bindingVersion": KAFKA_BINDING}
        },
        "examples": [{"headers": golden["headers"], "payload": golden["data"]}],
    }


def _dead_letter() -> dict[str, Any]:
    return {
        "name": "kepu.dead-letter",
        "title": DEAD_LETTER,
        "summary": "A record that could not be handled: its own key, value and headers, and why.",
        "contentType": "application/octet-stream",
        "headers": {
            "type": "object",
            "properties": {
                name: {"type": "string", "description": about} for name, about in _DEAD_HEADERS.items()
            },
            "required": list(_DEAD_HEADERS),
        },
    }


def outdated(folder: Path = PUBLISHED) -> list[str]:
    """A sentence for each file in the folder that differs from the code."""
    wanted = documents()
    present = {path.name for path in folder.glob("*.json")}
    return [
        *(f"{name} is missing" for name in sorted(set(wanted) - present)),
        *(f"{name} belongs to no contract" for name in sorted(present - set(wanted))),
        *(
            f"{name} is out of date"
            for name in sorted(present & set(wanted))
            if (folder / name).read_text() != wanted[name]
        ),
    ]


def broken(released: Path = PUBLISHED / RELEASED, contracts: Sequence[type[Event]] = events.ALL) -> list[str]:
    """A sentence for each place where the contracts of now break those of a release."""
    today = {contract.type: schema_of(contract) for contract in contracts}
    found = []
    for path in sorted(released.glob(f"*/*{SCHEMA_SUFFIX}")):
        type_ = path.name.removesuffix(SCHEMA_SUFFIX)
        release = path.parent.name
        if type_ not in today:
            found.append(f"{type_} of release {release} was withdrawn; its records and readers stay")
            continue
        found += [
            f"{type_}, against release {release}: {what}"
            for what in breaks(json.loads(path.read_text()), today[type_])
        ]
    return found


def write(folder: Path = PUBLISHED) -> None:
    """Write all documents again, and remove files that belong to no contract."""
    wanted = documents()
    folder.mkdir(exist_ok=True)
    for path in folder.glob("*.json"):
        if path.name not in wanted:
            path.unlink()
    for name, text in wanted.items():
        (folder / name).write_text(text)


def release(version: str, folder: Path = PUBLISHED) -> None:
    """
    Keep the schemas of now as those of a release.

    Raises:
        FileExistsError: the release exists. A release never changes.
    """
    kept = folder / RELEASED / version
    kept.mkdir(parents=True)
    for contract in events.ALL:
        (kept / f"{contract.type}{SCHEMA_SUFFIX}").write_text(_text(schema_of(contract)))


def _text(document: Mapping[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def main(arguments: Sequence[str]) -> int:
    """Run the command, and return the exit code."""
    match arguments:
        case []:
            write()
        case ["check"]:
            wrong = outdated() + broken()
            print("\n".join(wrong) or "contracts are up to date and break no release")
            return 1 if wrong else 0
        case ["release", version]:
            release(version)
        case _:
            print(__doc__)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
