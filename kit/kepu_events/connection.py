"""Where Kafka is, and who logs in there: the same variables as those of the week's own services."""

import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

PREFIX = "KEPU_KAFKA"
SECURITIES = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
MECHANISMS = ("PLAIN", "SCRAM-SHA-512")


@dataclass(frozen=True, slots=True)
class Connection:
    """
    Kafka's servers, and how a client logs in.

    Args:
        servers: host:port[,host:port].
        ca_file: the certificates that TLS trusts, in PEM; None: those of the system.
    """

    servers: str
    security: str = "PLAINTEXT"
    mechanism: str = "SCRAM-SHA-512"
    username: str = ""
    password: str = field(default="", repr=False)
    ca_file: Path | None = None

    def __post_init__(self) -> None:
        """
        Raises:
            ValueError: this kind of connection does not exist.
        """
        if self.security not in SECURITIES:
            raise ValueError(f"KEPU_KAFKA_SECURITY is one of {', '.join(SECURITIES)}")
        if self.logs_in and self.mechanism not in MECHANISMS:
            raise ValueError(
                f"KEPU_KAFKA_SASL_MECHANISM is one of {', '.join(MECHANISMS)} here;"
                " for others give the client its own settings"
            )
        if self.logs_in and not (self.username and self.password):
            raise ValueError("a login needs KEPU_KAFKA_USERNAME, and KEPU_KAFKA_PASSWORD or …_PASSWORD_FILE")

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """
        What the variables `KEPU_KAFKA`, `KEPU_KAFKA_SECURITY`, … say.

        Raises:
            ValueError: a variable is missing or wrong; its name is in the message.
        """

        def told(name: str, default: str = "") -> str:
            return environment.get(f"{PREFIX}{name}") or default

        if not (servers := told("")):
            raise ValueError("set KEPU_KAFKA to the addresses of Kafka: host:port[,host:port]")
        password = told("_PASSWORD")
        if file := told("_PASSWORD_FILE"):
            if password:
                raise ValueError("KEPU_KAFKA_PASSWORD and KEPU_KAFKA_PASSWORD_FILE are set: give one of them")
            password = Path(file).read_text().rstrip("\r\n")
        ca_file = told("_CA_FILE")
        return cls(
            servers,
            told("_SECURITY", "PLAINTEXT"),
            told("_SASL_MECHANISM", "SCRAM-SHA-512"),
            told("_USERNAME"),
            password,
            Path(ca_file) if ca_file else None,
        )

    @property
    def uses_tls(self) -> bool:
        """Whether what is sent is encrypted."""
        return self.security.endswith("SSL")

    @property
    def logs_in(self) -> bool:
        """Whether the client says who it is."""
        return self.security.startswith("SASL")

    @property
    def tls(self) -> ssl.SSLContext | None:
        """What TLS trusts; None without TLS."""
        return ssl.create_default_context(cafile=self.ca_file) if self.uses_tls else None

    def for_librdkafka(self) -> dict[str, Any]:
        """The settings of confluent-kafka, kcat and others that are built on librdkafka."""
        told: dict[str, Any] = {"bootstrap.servers": self.servers, "security.protocol": self.security}
        if self.uses_tls and self.ca_file:
            told["ssl.ca.location"] = str(self.ca_file)
        if self.logs_in:
            told |= {
                "sasl.mechanism": self.mechanism,
                "sasl.username": self.username,
                "sasl.password": self.password,
            }
        return told

    def for_aiokafka(self) -> dict[str, Any]:
        """The arguments of aiokafka's producer, consumer and admin."""
        told: dict[str, Any] = {
            "bootstrap_servers": self.servers,
            "security_protocol": self.security,
            "ssl_context": self.tls,
        }
        if self.logs_in:
            told |= {
                "sasl_mechanism": self.mechanism,
                "sasl_plain_username": self.username,
                "sasl_plain_password": self.password,
            }
        return told
