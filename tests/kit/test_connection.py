"""The kit takes the variables that the services take."""

import json
from pathlib import Path

import pytest

from kepu_events import Connection
from ops.deployment import first_program
from ops.deployment.clients import confluent_arguments
from shared.messaging.connection import KafkaConnection, client_arguments
from shared.runtime.settings import KafkaSettings
from shared.runtime.variables import taken_from
from tests.partners.builders import a_partner
from tests.support.certificates import Authority

LOGIN = {
    "KEPU_KAFKA": "a:9093,b:9093",
    "KEPU_KAFKA_SECURITY": "SASL_SSL",
    "KEPU_KAFKA_USERNAME": "hall",
    "KEPU_KAFKA_PASSWORD": "made-up",
}


def test_a_client_of_the_kit_gets_what_a_client_of_ours_gets(tmp_path: Path) -> None:
    environment = {**LOGIN, "KEPU_KAFKA_CA_FILE": str(Authority().write(tmp_path / "ca.pem"))}
    with taken_from(environment):
        ours = KafkaConnection.of(KafkaSettings())
    kit = Connection.from_environment(environment)
    assert kit.for_librdkafka() == confluent_arguments(ours)
    wanted = client_arguments(ours)
    assert {**kit.for_aiokafka(), "ssl_context": None} == {
        name: value
        for name, value in {**wanted, "ssl_context": None}.items()
        if name != "sasl_oauth_token_provider"
    }
    assert kit.tls is not None


def test_a_password_may_be_in_a_file_and_is_shown_nowhere(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("made-up\n")
    environment = {name: value for name, value in LOGIN.items() if name != "KEPU_KAFKA_PASSWORD"}
    kit = Connection.from_environment(environment | {"KEPU_KAFKA_PASSWORD_FILE": str(tmp_path / "password")})
    assert kit == Connection.from_environment(LOGIN)
    assert "made-up" not in repr(kit)


def test_a_partner_logs_in_with_the_file_that_it_was_given(tmp_path: Path) -> None:
    ca_file = Authority().write(tmp_path / "ca.pem")
    kafka = KafkaConnection("a:9093,b:9093", "SASL_SSL", ca_file=ca_file)
    file = tmp_path / first_program.CONFIGURATION
    file.write_text(first_program.configuration(a_partner("hall"), kafka, "made-up"))
    kit = Connection.from_environment({"KEPU_KAFKA_SETTINGS_FILE": str(file)})
    assert kit.for_librdkafka() == json.loads(file.read_text())
    assert "made-up" not in repr(kit)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("[]", "no JSON object of settings"),
        ('{"bootstrap.servers": 7}', "no JSON object of settings"),
        ("no JSON", "Expecting value"),
        ("{}", "has no bootstrap.servers"),
        ('{"bootstrap.servers": "a:1", "linger.ms": "5"}', "linger.ms, which Connection does not know"),
        ('{"bootstrap.servers": "a:1", "security.protocol": "TLS"}', "KEPU_KAFKA_SECURITY is one of"),
    ],
)
def test_a_wrong_file_is_refused_with_what_is_wrong(tmp_path: Path, content: str, words: str) -> None:
    file = tmp_path / "kafka.json"
    file.write_text(content)
    with pytest.raises(ValueError, match=words):
        Connection.from_file(file)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"KEPU_KAFKA": ""}, "set KEPU_KAFKA"),
        ({"KEPU_KAFKA_SECURITY": "TLS"}, "KEPU_KAFKA_SECURITY is one of"),
        ({"KEPU_KAFKA_SASL_MECHANISM": "GSSAPI"}, "KEPU_KAFKA_SASL_MECHANISM is one of"),
        ({"KEPU_KAFKA_USERNAME": ""}, "needs KEPU_KAFKA_USERNAME"),
        ({"KEPU_KAFKA_PASSWORD_FILE": "somewhere"}, "give one of them"),
        ({"KEPU_KAFKA_SETTINGS_FILE": "somewhere"}, "give one of them"),
    ],
)
def test_a_wrong_variable_is_named(given: dict[str, str], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Connection.from_environment({**LOGIN, **given})
