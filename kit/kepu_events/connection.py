"""Where Kafka is, and who logs in there: the same variables as those of the week's own services."""

import json
import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

PREFIX = "KEPU_KAFKA"
SECURITIES = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
MECHANISMS = ("PLAIN", "SCRAM-SHA-512")
# The settings of librdkafka that a file may have, by the field that each one is.
_IN_FILE = {
    "bootstrap.servers": "servers",
    "security.protocol": "security",
    "sasl.mechanism": "mechanism",
    "sasl.username": "username",
    "sasl.password": "password",
    "ssl.ca.location": "ca_file",
}


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
        What the variables `KEPU_KAFKA`, `KEPU_KAFKA_SECURITY`, … say. `KEPU_KAFKA_SETTINGS_FILE` may name a
        partner's `kafka.json` in their place.

        Raises:
            ValueError: a variable is missing or wrong; its name is in the message.
            OSError: a file cannot be read.
        """

        def told(name: str, default: str = "") -> str:
            return environment.get(f"{PREFIX}{name}") or default

        servers = told("")
        if whole := told("_SETTINGS_FILE"):
            if servers:
                raise ValueError("KEPU_KAFKA and KEPU_KAFKA_SETTINGS_FILE are set: give one of them")
            return cls.from_file(whole)
        if not servers:
            raise ValueError(
                "set KEPU_KAFKA to the addresses of Kafka, host:port[,host:port], or KEPU_KAFKA_SETTINGS_FILE"
                " to the kafka.json of a partner"
            )
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

    @classmethod
    def from_file(cls, file: str | Path) -> Self:
        """
        What a partner's `kafka.json` says: settings of librdkafka, as a JSON object.

        Raises:
            ValueError: it is no such object, has no servers, or a setting that is not one of these.
            OSError: it cannot be read.
        """
        said = json.loads(Path(file).read_text(encoding="utf-8"))
        if not (isinstance(said, dict) and all(isinstance(value, str) for value in said.values())):
            raise ValueError(f"{file} is no JSON object of settings, as kepu partner add writes it")
        if unknown := sorted(said.keys() - _IN_FILE.keys()):
            raise ValueError(
                f"{file} has {', '.join(unknown)}, which {cls.__name__} does not know:"
                " give it to the client as one of its own settings"
            )
        fields = {_IN_FILE[name]: value for name, value in said.items()}
        if not fields.get("servers"):
            raise ValueError(f"{file} has no bootstrap.servers")
        ca_file = fields.pop("ca_file", None)
        return cls(**fields, ca_file=Path(ca_file) if ca_file else None)

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
