"""What each client gets to reach Kafka, and that no client is made in another way."""

import ssl
from pathlib import Path
from typing import Any

import pytest
from aiokafka.errors import AuthenticationFailedError
from faststream.security import SASLOAuthBearer, SASLScram512
from pydantic import SecretStr

from ops.deployment.clients import confluent_arguments
from shared.messaging.connection import (
    KafkaConnection,
    TokenFile,
    broker_arguments,
    client_arguments,
)

ROOT = Path(__file__).parents[3]
# The bench measures on a Kafka of its own, and the tests of other things too.
FOLDERS = ("shared", "services", "ops")
PLACES = {"shared/messaging/connection.py", "ops/deployment/clients.py"}
LOGIN = KafkaConnection("a:1", "SASL_SSL", username="quiz", password=SecretStr("hidden"))


def test_servers_are_named_to_a_client_in_one_place() -> None:
    naming = {
        str(path.relative_to(ROOT))
        for folder in FOLDERS
        for path in (ROOT / folder).rglob("*.py")
        if any(words in path.read_text() for words in ("bootstrap_servers", '"bootstrap.servers"'))
    }
    assert naming == PLACES


def test_a_plain_text_is_a_kafka_without_tls_and_logins() -> None:
    for kafka in ("a:1,b:2", KafkaConnection("a:1,b:2")):
        assert client_arguments(kafka) == {"bootstrap_servers": "a:1,b:2"}
        assert broker_arguments(kafka) == {"bootstrap_servers": ["a:1", "b:2"]}
        assert confluent_arguments(kafka) == {"bootstrap.servers": "a:1,b:2"}


def test_a_client_logs_in_over_tls() -> None:
    found = client_arguments(LOGIN)
    context = found.pop("ssl_context")
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.check_hostname
    assert found == {
        "bootstrap_servers": "a:1",
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "quiz",
        "sasl_plain_password": "hidden",
        "sasl_oauth_token_provider": None,
    }
    assert confluent_arguments(LOGIN) == {
        "bootstrap.servers": "a:1",
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": "quiz",
        "sasl.password": "hidden",
    }


def test_the_broker_of_consumers_logs_in_as_the_clients_do() -> None:
    security: Any = broker_arguments(LOGIN)["security"]
    assert isinstance(security, SASLScram512)
    assert (security.username, security.password, security.use_ssl) == ("quiz", "hidden", True)


def test_nothing_that_is_shown_of_a_connection_has_the_password() -> None:
    assert "hidden" not in f"{LOGIN} {LOGIN!r} {client_arguments(LOGIN).keys()}"
    assert str(LOGIN) == "a:1"


async def test_a_token_is_read_at_each_login(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("first\n")
    connection = KafkaConnection("a:1", "SASL_SSL", "OAUTHBEARER", token_file=file)
    assert isinstance(broker_arguments(connection)["security"], SASLOAuthBearer)
    token = client_arguments(connection)["sasl_oauth_token_provider"]
    assert isinstance(token, TokenFile)
    assert await token.token() == "first"
    file.write_text("second")
    assert await token.token() == "second"
    assert confluent_arguments(connection)["oauth_cb"]("")[0] == "second"
    file.unlink()
    with pytest.raises(AuthenticationFailedError, match="KEPU_KAFKA_TOKEN_FILE names no file"):
        await token.token()
