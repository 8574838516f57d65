"""
The contracts for other teams: JSON Schemas, an AsyncAPI 3.1 document, topics, types of TypeScript and Java,
and those of each release.

    python -m ops.contracts.documents                   write contracts/ anew
    python -m ops.contracts.documents check             list what is out of date or breaks a release
    python -m ops.contracts.documents release 0.4.0     keep the contracts of now as those of a release

Everything is generated from `shared.contracts.events` and `shared.contracts.topics`, with the golden records
of the tests as examples. So the documents always match the code.
"""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic.json_schema import models_json_schema

from ops.contracts.changelog import NAME as CHANGELOG
from ops.contracts.changelog import changelog
from ops.contracts.delivery import HEADERS, REQUIRED, TOPICS, deliveries
from ops.contracts.gate import Finding, check
from ops.contracts.java import NAME as JAVA
from ops.contracts.java import java
from ops.contracts.releases import NotReleased, current, number, releases
from ops.contracts.schemas import PUBLISHED, RELEASED, SCHEMA_SUFFIX, to_text
from ops.contracts.schemas import schema_of as schema_of
from ops.contracts.typed import typed_records
from ops.contracts.typescript import NAME as TYPESCRIPT
from ops.contracts.typescript import typescript
from ops.contracts.versions import faults_of
from ops.deployment.access import writers_of
from shared.contracts import events, topics
from shared.contracts.checked import ID_PATTERN
from shared.contracts.envelope import Event
from shared.contracts.successions import DECLARED, Succession

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "contracts" / "golden"
ASYNCAPI = "asyncapi.json"
KAFKA_BINDING = "0.5.0"
DEAD_LETTER = "DeadLetter"

_DEAD_HEADERS: dict[str, str] = {
    "dead_code": "Why, as a stable code",
    "dead_reason": "Why, in a sentence",
    "dead_group": "The consumer group that gave it up",
    "dead_topic": "The topic that it came from",
    "dead_partition": "The partition there",
    "dead_offset": "The offset there",
    "dead_time": "When it was given up",
}


def documents(folder: Path = PUBLISHED) -> dict[str, str]:
    """The text of every published file, by its name in `folder`, whose releases the changelog tells."""
    found = {f"{contract.type}{SCHEMA_SUFFIX}": to_text(schema_of(contract)) for contract in events.ALL}
    records = typed_records()
    return {
        **found,
        ASYNCAPI: to_text(asyncapi()),
        TOPICS: to_text(deliveries()),
        CHANGELOG: changelog(releases(folder), current()),
        TYPESCRIPT: typescript(records),
        JAVA: java(records),
    }


def asyncapi(successions: Sequence[Succession] = DECLARED) -> dict[str, Any]:
    """The AsyncAPI 3.1 document. It has a channel for each topic, also for dead letters."""
    _, found = models_json_schema(
        [(contract, "validation") for contract in events.ALL], ref_template="#/components/schemas/{model}"
    )
    for succession in successions:
        found["$defs"][succession.old.__name__]["deprecated"] = True
    contracts = {contract.topic: contract for contract in events.ALL}
    return {
        "asyncapi": "3.1.0",
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
    headers = {name: {"type": "string", "description": about} for name, about in HEADERS.items()}
    headers["ce_specversion"] = {"type": "string", "const": "1.0"}
    headers["ce_type"] = {"type": "string", "const": contract.type}
    return {
        "name": contract.type,
        "title": contract.__name__,
        "summary": (contract.__doc__ or "").strip().split("\n")[0],
        "headers": {"type": "object", "properties": headers, "required": list(REQUIRED)},
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
    wanted = documents(folder)
    present = {path.name for path in folder.glob("*.json")}
    present |= {name for name in wanted if (folder / name).exists()}
    return [
        *(f"{name} is missing" for name in sorted(set(wanted) - present)),
        *(f"{name} belongs to no contract" for name in sorted(present - set(wanted))),
        *(
            f"{name} is out of date"
            for name in sorted(present & set(wanted))
            if (folder / name).read_text() != wanted[name]
        ),
    ]


def broken(folder: Path = PUBLISHED, contracts: Sequence[type[Event]] = events.ALL) -> list[Finding]:
    """Each place where the contracts of now break those of a release."""
    return check(releases(folder), current(contracts))


def faults() -> list[str]:
    """A sentence for each mistake in the new versions that are declared."""
    return faults_of(DECLARED, golden_of, writers_of)


def golden_of(contract: type[Event]) -> dict[str, Any]:
    """The body of the golden record of a contract."""
    body: dict[str, Any] = json.loads((GOLDEN / f"{contract.type}.json").read_text())["data"]
    return body


def write(folder: Path = PUBLISHED) -> None:
    """Write all documents again, and remove files that belong to no contract."""
    folder.mkdir(exist_ok=True)
    wanted = documents(folder)
    for path in folder.glob("*.json"):
        if path.name not in wanted:
            path.unlink()
    for name, text in wanted.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)


def release(version: str, folder: Path = PUBLISHED) -> None:
    """
    Keep the contracts of now as those of a release.

    Raises:
        NotReleased: it is no version, or not above the newest one; or something breaks an earlier release.
            A release never changes.
    """
    before = releases(folder)
    if before and number(version) <= number(before[-1].name):
        raise NotReleased(f"{version} is not above the newest release, {before[-1].name}: take a higher one")
    if found := check(before, current()):
        raise NotReleased(f"{found[0]}\n{len(found)} such changes: kepu contracts check names all")
    kept = folder / RELEASED / version
    kept.mkdir(parents=True)
    for contract in events.ALL:
        (kept / f"{contract.type}{SCHEMA_SUFFIX}").write_text(to_text(schema_of(contract)))
    (kept / TOPICS).write_text(to_text(deliveries()))
    (folder / CHANGELOG).write_text(changelog(releases(folder), current()))


def main(arguments: Sequence[str]) -> int:
    """Run the command, and return the exit code."""
    match arguments:
        case []:
            write()
        case ["check"]:
            wrong = [*outdated(), *map(str, broken()), *faults()]
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
