"""
How every client reaches Kafka: the bootstrap servers, TLS, and who logs in.

No other module of services and of `shared` names servers to a client. `ops/deployment/clients.py` does the
same for the clients of the tools.
"""

import asyncio
import ssl
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Self, TypeAlias

from aiokafka.abc import AbstractTokenProvider
from aiokafka.errors import AuthenticationFailedError
from faststream.security import BaseSecurity, SASLOAuthBearer, SASLPlaintext, SASLScram512
from pydantic import SecretStr

from shared.runtime.settings import KafkaSecurity, KafkaSettings, SaslMechanism
from shared.runtime.variables import secret_in

# Two at most are in use at a time: that of the settings, and that of a test.
CONTEXTS_MAX = 4


@dataclass(frozen=True, slots=True)
class KafkaConnection:
    """
    Bootstrap servers, and how a client may talk to them.

    Args:
        ca_file: the certificates that TLS trusts; None: those of the system.
        token_file: the token of OAUTHBEARER. It is read at each login, since others replace it.
    """

    servers: str
    security: KafkaSecurity = "PLAINTEXT"
    mechanism: SaslMechanism = "SCRAM-SHA-512"
    username: str = ""
    password: SecretStr = field(default_factory=lambda: SecretStr(""))
    ca_file: Path | None = None
    token_file: Path | None = None

    @classmethod
    def of(cls, settings: KafkaSettings) -> Self:
        """The connection that the settings describe."""
        return cls(
            settings.kafka,
            settings.kafka_security,
            settings.kafka_sasl_mechanism,
            settings.kafka_username,
            settings.kafka_password or SecretStr(""),
            settings.kafka_ca_file,
            settings.kafka_token_file,
        )

    def __str__(self) -> str:
        """The servers: what people are told of a connection."""
        return self.servers

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
        """What TLS trusts, or None without TLS."""
        return _context(self.ca_file) if self.uses_tls else None

    @property
    def token(self) -> "TokenFile | None":
        """The token of this client, or None if it does not log in with one."""
        has_one = self.logs_in and self.mechanism == "OAUTHBEARER" and self.token_file
        return TokenFile(self.token_file) if has_one and self.token_file else None


Kafka: TypeAlias = str | KafkaConnection
"""Where Kafka is. A plain text has only the servers, of a Kafka without TLS and logins."""


class TokenFile(AbstractTokenProvider):  # type: ignore[misc]
    """A token that others write into a file, and replace before it expires."""

    def __init__(self, file: Path) -> None:
        self._file = file

    async def token(self) -> str:
        """
        The token as it is now.

        Raises:
            AuthenticationFailedError: the file has none.
        """
        try:
            return await asyncio.to_thread(secret_in, self._file)
        except ValueError as error:
            raise AuthenticationFailedError(f"KEPU_KAFKA_TOKEN_FILE {error}") from None


def connection(kafka: Kafka) -> KafkaConnection:
    """A plain text as a connection without TLS and logins."""
    return KafkaConnection(kafka) if isinstance(kafka, str) else kafka


def client_arguments(kafka: Kafka) -> dict[str, Any]:
    """What each client of aiokafka gets: producer, consumer, admin."""
    to = connection(kafka)
    arguments: dict[str, Any] = {"bootstrap_servers": to.servers}
    if to.security == "PLAINTEXT":
        return arguments
    arguments |= {"security_protocol": to.security, "ssl_context": to.tls}
    if to.logs_in:
        arguments |= {
            "sasl_mechanism": to.mechanism,
            "sasl_plain_username": to.username or None,
            "sasl_plain_password": to.password.get_secret_value() or None,
            "sasl_oauth_token_provider": to.token,
        }
    return arguments


def broker_arguments(kafka: Kafka) -> dict[str, Any]:
    """The same for FastStream's broker, which makes the consumers of groups."""
    to = connection(kafka)
    # Not one text: FastStream takes it for one host.
    arguments: dict[str, Any] = {"bootstrap_servers": to.servers.split(",")}
    if to.security != "PLAINTEXT":
        arguments |= {"security": _security(to), "sasl_oauth_token_provider": to.token}
    return arguments


def _security(to: KafkaConnection) -> BaseSecurity:
    if not to.logs_in:
        return BaseSecurity(to.tls)
    if to.mechanism == "OAUTHBEARER":
        return SASLOAuthBearer(to.tls)
    kind = SASLPlaintext if to.mechanism == "PLAIN" else SASLScram512
    return kind(to.username, to.password.get_secret_value(), to.tls)


@lru_cache(maxsize=CONTEXTS_MAX)
def _context(ca_file: Path | None) -> ssl.SSLContext:
    # Reading all certificates of a system takes 20 ms, and some clients live only for one question.
    return ssl.create_default_context(cafile=ca_file)
