"""A week on a Kafka and a MongoDB with TLS and users: each service may do what it has to, and no more."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer
from pydantic import SecretStr

from ops.audit.run import Audit, audit
from ops.commands.partner import READS
from ops.demo.outsider import Outsider
from ops.demo.run import week_of_now
from ops.deployment import first_program, keys, partners
from ops.deployment.access import COMMANDS
from ops.deployment.clients import confluent_arguments
from ops.deployment.configuration import settings_of
from ops.deployment.databases import connected
from ops.deployment.description import EVERY, OPTIONAL
from ops.deployment.ledger import LEDGER_FILE
from ops.deployment.reachable import kafka_problems, problems
from ops.deployment.settle import wait_until_settled
from ops.local.services import PARTNERS_FILE, running
from ops.stack import Stack
from ops.week.load import load, pieces
from shared.contracts import topics
from shared.messaging.connection import KafkaConnection
from shared.messaging.create_topics import create_missing
from shared.messaging.publisher import publishing
from shared.runtime.errors import Unavailable
from shared.runtime.variables import taken_from
from tests.flow.partners.play import SHORT_PARTS, played
from tests.partners.builders import a_partner
from tests.support.certificates import HOST, Authority
from tests.support.secured import OPERATOR, OTHER, READER, Secured, SecuredServices, secured_servers

pytestmark = pytest.mark.own_servers
# What a partner does by the guide.
BY_KIT = """
from kepu_events import Connection, Sender, events
from kepu_events.confluent import listen, send

kafka = Connection.from_file("kafka.json")
hall = Sender("{partner.source}", partner="{partner.name}")
asked = events.RegistrationRequested(
    request_id="by-kit", participant_id=hall.id_of("by kit"), session_id="talk-1", audience="youth"
)
send([hall.record(asked)], kafka)
for one in listen("{partner.name}", events.RegistrationConfirmed, connection=kafka):
    if one.event.participant_id == asked.participant_id:
        print("confirmed")
        break
"""

KEYS = keys.fresh()

PEOPLE = 20
# The long form, and its limit of 2 s, is `make partners`.
STORM_SECONDS = 3.0
OUTCOME_SECONDS_MAX = 5.0
SECONDS = 20.0
FORBIDDEN = KafkaError.TOPIC_AUTHORIZATION_FAILED


@pytest.fixture(scope="module")
def secured() -> Iterator[Secured]:
    """Servers with users and topics."""
    with secured_servers() as servers:
        asyncio.run(create_missing(servers.kafka(OPERATOR), wanted=topics.with_optional(OPTIONAL)))
        yield servers


def written(kafka: KafkaConnection, topic: str) -> KafkaError | None:
    """What Kafka answers to a record."""
    answers: list[KafkaError | None] = []
    producer = Producer({**confluent_arguments(kafka), "log_level": 0})
    producer.produce(topic, b"{}", b"key", on_delivery=lambda error, _: answers.append(error))
    assert producer.flush(SECONDS) == 0
    return answers[0]


def read(kafka: KafkaConnection, topic: str, group: str) -> KafkaError | None:
    """What Kafka answers to somebody who wants to read in a group."""
    consumer = Consumer({**confluent_arguments(kafka), "group.id": group, "log_level": 0})
    try:
        consumer.subscribe([topic])
        message = consumer.poll(SECONDS)
        return message.error() if message else None
    finally:
        consumer.close()


def play(services: SecuredServices, outsider: Outsider) -> set[tuple[str, str]]:
    """Register people, let them sit the quiz, send messages and broken records. All events of the system."""
    week = week_of_now()
    # Answers are guessed here, and somebody has to get a certificate before the close.
    week.quiz.update(pass_percent=1, shows_scores="at_once")
    for scheme in week.schemes:
        if scheme["rule"]["type"] == "pass_mark":
            scheme["rule"]["score_percent"] = 1
    assert load(pieces(week), services.apis) == []
    people = [str(uuid4()) for _ in range(PEOPLE)]
    sessions = [session["session_id"] for one in week.activities for session in one["sessions"]]
    districts = sorted({group["district"] for group in week.groups if group.get("district")})
    outsider.register(people, sessions, districts)
    outsider.sit(people, outsider.published_quiz(week.quiz_id))
    outsider.say(people)
    outsider.emit_poison()
    outsider.flush()
    return {*outsider.emitted.events}


async def audited(services: SecuredServices) -> Audit:
    """What the audit finds, with the operator's rights."""
    deployment = services.deployment
    async with connected(deployment.mongo) as databases:
        await wait_until_settled(deployment.kafka, databases)
        return await audit(deployment, databases, services.home / LEDGER_FILE)


def test_a_week_is_played_by_services_with_rights_of_their_own(secured: Secured, tmp_path: Path) -> None:
    stack = Stack(tmp_path, environment=secured.variables(OPERATOR))
    stack.up()
    services = SecuredServices(stack, detached=False)
    services.secured = secured
    with running(services):
        outsider = Outsider(secured.kafka(READER), services.secrets["KEPU_CONTACT_PUBLIC_KEY"])
        assert len(play(services, outsider)) >= len(COMMANDS) * PEOPLE
        found = asyncio.run(audited(services))
    assert found.agrees, found.checks
    for topic in ("registration.confirmed", "quiz.completed", "award.issued", "notification.delivered"):
        assert found.log.events(topic), topic
    assert found.log.dead("quiz.submitted", topics.QUIZ_GRADING)
    for name in services.names:
        assert secured.password not in services.log(name).read_text()


def test_another_system_writes_commands_and_nothing_else(secured: Secured) -> None:
    kafka = secured.kafka(OTHER)
    assert [written(kafka, topic) for topic in COMMANDS] == [None] * len(COMMANDS)
    for topic in {topic.name for topic in topics.ALL} - {*COMMANDS}:
        error = written(kafka, topic)
        assert error is not None, topic
        assert error.code() == FORBIDDEN, topic


@pytest.mark.parametrize("topic", ["quiz.submitted", "award.issued"])
def test_another_system_reads_nothing(secured: Secured, topic: str) -> None:
    error = read(secured.kafka(OTHER), topic, f"hall-{uuid4()}")
    assert error is not None
    assert error.code() in (FORBIDDEN, KafkaError.GROUP_AUTHORIZATION_FAILED)


def test_a_partner_writes_to_its_own_topics_and_nothing_else(secured: Secured, tmp_path: Path) -> None:
    hall, east = (a_partner(name, writes=COMMANDS, reads=("quiz.published",)) for name in ("hall", "east"))
    operator = KafkaConnection(f"{HOST}:{secured.kafka_ports[0]}")
    login, _ = (partners.add(tmp_path / "partners.json", operator, one) for one in (hall, east))
    kafka = replace(secured.kafka(hall.name), password=SecretStr(login.password))
    assert login.checked
    assert [written(kafka, hall.ingress(topic)) for topic in COMMANDS] == [None] * len(COMMANDS)
    dead = hall.topics[-1].name
    for topic in (*COMMANDS, *(east.ingress(topic) for topic in COMMANDS), dead, "award.issued"):
        error = written(kafka, topic)
        assert error is not None, topic
        assert error.code() == FORBIDDEN, topic
    foreign = ("quiz.published", "partners-hall"), ("quiz.published", "halls"), (COMMANDS[0], "hall")
    for topic, group in foreign:
        assert read(kafka, topic, group) is not None, (topic, group)
    producer = Producer({**confluent_arguments(kafka), "transactional.id": "hall", "log_level": 0})
    with pytest.raises(KafkaException):
        producer.init_transactions(SECONDS)


def test_a_hostile_partner_hurts_no_other_one(secured: Secured, tmp_path: Path) -> None:
    stack = Stack(tmp_path, environment=secured.variables(OPERATOR))
    stack.up()
    services = SecuredServices(stack, SHORT_PARTS, detached=False)
    services.secured = secured
    with running(services):
        report = played(secured, services, seconds=STORM_SECONDS, p99_seconds_max=OUTCOME_SECONDS_MAX)
        first = services.home / "first"
        _run_first_program(secured, services, first)
    assert report.wrong == [], report.lines


def _run_first_program(secured: Secured, services: SecuredServices, folder: Path) -> None:
    """What a new partner gets works as it stands."""
    operator = KafkaConnection(f"{HOST}:{secured.kafka_ports[0]}")
    file = services.home / PARTNERS_FILE
    hall = a_partner("first-hall", source="schools/first-hall", reads=READS)
    login = partners.add(file, operator, hall)
    reached = replace(secured.kafka(hall.name), username="")
    folder.mkdir()
    (folder / first_program.CONFIGURATION).write_text(
        first_program.configuration(hall, reached, login.password)
    )
    (folder / first_program.PROGRAM).write_text(first_program.program(hall) or "")
    command = [sys.executable, str(folder / first_program.PROGRAM), '{"session_id": "talk-1"}']
    done = subprocess.run(command, capture_output=True, text=True, timeout=90, check=False)
    assert done.returncode == 0, done.stderr
    assert "registration.confirmed" in done.stdout
    by_kit = [sys.executable, "-c", BY_KIT.format(partner=hall)]
    done = subprocess.run(by_kit, cwd=folder, capture_output=True, text=True, timeout=90, check=False)
    assert (done.returncode, done.stdout) == (0, "confirmed\n"), done.stderr


def test_a_partner_that_is_removed_may_do_nothing_any_more_over_open_connections_too(
    secured: Secured, tmp_path: Path
) -> None:
    hall, file = a_partner(), tmp_path / "partners.json"
    operator = KafkaConnection(f"{HOST}:{secured.kafka_ports[0]}")
    login = partners.add(file, operator, hall)
    rotated = partners.rotate(file, operator, hall.name)
    assert rotated.password != login.password
    kafka = replace(secured.kafka(hall.name), password=SecretStr(rotated.password))
    answers: list[KafkaError | None] = []
    producer = Producer({**confluent_arguments(kafka), "log_level": 0})
    for _ in range(2):
        producer.produce(
            hall.ingress(hall.writes[0]),
            b"{}",
            b"key",
            on_delivery=lambda error, _: answers.append(error),
        )
        assert producer.flush(SECONDS) == 0
        if len(answers) == 1:
            partners.remove(file, operator, hall.name, with_topics=False)
    assert answers[0] is None
    assert answers[1] is not None
    assert partners.entries(file) == ()
    with pytest.raises(partners.PartnersError, match="no partner"):
        partners.rotate(file, operator, hall.name)


def test_a_name_that_somebody_has_at_kafka_is_not_given_away(secured: Secured, tmp_path: Path) -> None:
    operator = KafkaConnection(f"{HOST}:{secured.kafka_ports[0]}")
    with pytest.raises(partners.PartnersError, match="has a user examination-hall already"):
        partners.add(tmp_path / "partners.json", operator, a_partner(OTHER))
    assert partners.entries(tmp_path / "partners.json") == ()


async def test_a_producer_of_ours_says_what_it_may_not_write(secured: Secured) -> None:
    async with publishing(secured.kafka("kepu-awards"), "test") as publisher:
        await publisher.write([("award.issued", b"key", b"{}", [])])
        with pytest.raises(Unavailable, match="TopicAuthorizationFailed"):
            await publisher.write([("quiz.completed", b"key", b"{}", [])])


async def test_clients_log_in_by_a_token_or_in_plain_words(secured: Secured) -> None:
    for kafka in (secured.kafka_by_token(OTHER), replace(secured.kafka(OPERATOR), mechanism="PLAIN")):
        async with publishing(kafka, "test") as publisher:
            await publisher.write([("quiz.submitted", b"key", b"{}", [])])
        assert written(kafka, "quiz.submitted") is None


def test_a_service_with_its_rights_has_no_problem(secured: Secured) -> None:
    for service in EVERY:
        with taken_from({**secured.variables(f"kepu-{service}"), **KEYS}):
            assert list(problems(service, settings_of(service)())) == []


def test_what_is_wrong_with_kafka_is_told_by_its_setting(secured: Secured, tmp_path: Path) -> None:
    right = secured.kafka("kepu-quiz")
    stranger = Authority().write(tmp_path / "ca.pem")
    plain = KafkaConnection(right.servers)
    for kafka, words in (
        (replace(right, password=SecretStr("hidden")), "KEPU_KAFKA_USERNAME or KEPU_KAFKA_PASSWORD is wrong"),
        (replace(right, ca_file=stranger), "no authority of KEPU_KAFKA_CA_FILE has signed"),
        (plain, "KEPU_KAFKA_SECURITY"),
        (replace(right, servers="127.0.0.1:1"), "nobody listens"),
        (replace(right, servers=f"127.0.0.1:{secured.kafka_ports[0]}"), "it does not speak TLS at this port"),
        (replace(right, servers=f"127.0.0.1:{secured.kafka_ports[3]}"), "KEPU_KAFKA_SASL_MECHANISM"),
    ):
        [told] = kafka_problems("quiz", kafka)
        assert words in told
        assert "hidden" not in told


def test_what_a_user_may_not_do_is_named(secured: Secured) -> None:
    told = list(kafka_problems("quiz", secured.kafka("kepu-awards")))
    assert "the group quiz-grading, quiz-participants, quiz-saving" in told[-1]
    assert any("quiz.published" in line and "write" in line for line in told)


def test_what_is_wrong_with_mongodb_is_told(secured: Secured, tmp_path: Path) -> None:
    right = secured.mongo("kepu-quiz")
    stranger = Authority().write(tmp_path / "ca.pem")
    for mongo, words in (
        (right.replace("kepu-quiz:", "kepu-quiz:x"), "refuses the user or the password"),
        (secured.mongo("kepu-awards"), "does not let the user of KEPU_MONGO do that"),
        (right.replace(str(secured.ca_file).replace("/", "%2F"), str(stranger)), "has not signed"),
        (right.replace("tls=true", "tls=false").partition("&tlsCAFile")[0], "wants TLS"),
        (right.replace("replicaSet=rs0", "replicaSet=rs1"), "no server of KEPU_MONGO is of the replica set"),
    ):
        with taken_from(
            {**secured.variables("kepu-quiz"), **KEYS, "KEPU_MONGO_FILE": "", "KEPU_MONGO": mongo}
        ):
            [told] = problems("quiz", settings_of("quiz")())
        assert words in told, told
        assert secured.password not in told
