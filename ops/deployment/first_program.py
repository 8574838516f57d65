"""What a new partner gets: the configuration of its clients, and a first program that works as it stands."""

import json
import os
from collections.abc import Mapping
from pathlib import Path

from ops.deployment.clients import confluent_arguments
from shared.contracts import events
from shared.contracts.partners import WRITABLE, Partner
from shared.messaging.connection import Kafka

CONFIGURATION, PROGRAM = "kafka.json", "first.py"
_PROGRAM = Path(__file__).with_name("first_program.txt")
# The fields of a first command that are not ids, by topic.
_FIELDS: Mapping[str, Mapping[str, str]] = {
    events.NotificationRequested.topic: {"subject": "Hello", "body": "A first message"},
}


def configuration(partner: Partner, kafka: Kafka, password: str | None) -> str:
    """
    The settings of a client of confluent-kafka (or of any client of librdkafka) as JSON.

    Args:
        kafka: as the partner reaches it. Its own login, if it has one, is replaced by the partner's.
        password: None if this Kafka asks nobody for one.
    """
    settings = {
        name: value
        for name, value in confluent_arguments(kafka).items()
        if not name.startswith(("sasl.", "oauth"))
    }
    if password is not None:
        settings |= {
            "security.protocol": "SASL_SSL",
            "sasl.mechanism": "SCRAM-SHA-512",
            "sasl.username": partner.name,
            "sasl.password": password,
        }
    return json.dumps(settings, indent=2) + "\n"


def program(partner: Partner) -> str | None:
    """
    A program that sends one command and shows what it becomes; it needs only confluent-kafka.

    None for a partner that writes nothing that fits into one: answers need a paper of a quiz first.
    """
    topic = next((topic for topic in partner.writes if topic != events.QuizSubmitted.topic), None)
    if topic is None:
        return None
    text = _PROGRAM.read_text(encoding="utf-8")
    for word, value in {
        "NAME": partner.name,
        "GROUP": partner.group,
        "SOURCE": partner.source,
        "INGRESS": partner.ingress(topic),
        "TYPE": WRITABLE[topic].type,
        "KEY": WRITABLE[topic].key_field,
        "BODY": json.dumps(_FIELDS.get(topic, {})),
        "READS": json.dumps(partner.reads),
        "CONFIGURATION": CONFIGURATION,
    }.items():
        text = text.replace(f"<{word}>", value)
    return text


def write(file: Path, text: str) -> None:
    """
    Write one of these files, so that only its owner can read it, also if it was there with another mode.

    Raises:
        OSError: it cannot be written.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "w", encoding="utf-8") as written:
        # The mode above is only that of a new file.
        os.fchmod(descriptor, 0o600)
        written.write(text)
