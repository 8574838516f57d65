"""How the tools' clients reach Kafka: `shared/messaging/connection.py` in the words of librdkafka."""

import time
from typing import Any

from confluent_kafka import KafkaException

from shared.messaging.connection import Kafka, connection
from shared.runtime.variables import secret_in

# A token is read again before this time is over: nobody tells us when it expires.
TOKEN_SECONDS = 60.0


def confluent_arguments(kafka: Kafka) -> dict[str, Any]:
    """What each client of confluent-kafka gets."""
    to = connection(kafka)
    arguments: dict[str, Any] = {"bootstrap.servers": to.servers}
    if to.security == "PLAINTEXT":
        return arguments
    arguments["security.protocol"] = to.security
    if to.uses_tls and to.ca_file:
        arguments["ssl.ca.location"] = str(to.ca_file)
    if to.logs_in:
        arguments["sasl.mechanism"] = to.mechanism
        if (file := to.token_file) and to.mechanism == "OAUTHBEARER":

            def token(_: str) -> tuple[str, float]:
                try:
                    return secret_in(file), time.time() + TOKEN_SECONDS
                except ValueError as error:
                    raise KafkaException(f"KEPU_KAFKA_TOKEN_FILE {error}") from None

            arguments["oauth_cb"] = token
        else:
            arguments |= {"sasl.username": to.username, "sasl.password": to.password.get_secret_value()}
    return arguments
