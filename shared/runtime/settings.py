"""
The settings of every service: environment variables that start with KEPU_.

Secrets come only from the environment or from files that it names (shared/runtime/variables.py), and are
never printed. `kepu keys` makes new ones. Wrong settings are reported at the start, one line for each
variable, before any connection is opened.
"""

import os
import re
import ssl
import sys
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar
from urllib.parse import urlsplit

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from pydantic import AfterValidator, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from shared.runtime import mongo_url
from shared.runtime.variables import (
    PREFIX,
    MayBeInFile,
    Unusable,
    Variables,
    secret_in,
    variable,
    variables_of,
)

WRONG_SETTINGS = 2
CONTACT_KEY_BYTES = 32
# How alike a name must be to count as a misspelling. Variables of other services are less alike.
ALIKE = 0.87
EXPORTER = "opentelemetry.exporter.otlp.proto.http"
# The kind of an error that says why a variable has no value.
UNUSABLE = "unusable"
MONGO_SCHEMES = ("mongodb", "mongodb+srv")
_ROOT_PATH = re.compile(r"(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*")

Role = Literal["api", "worker", "all"]
# As Kafka itself calls them.
KafkaSecurity = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
SaslMechanism = Literal["PLAIN", "SCRAM-SHA-512", "OAUTHBEARER"]
# With these a listener without TLS would show everybody what opens the account.
SHOWN_MECHANISMS = ("PLAIN", "OAUTHBEARER")
Own = TypeVar("Own", bound="KafkaSettings")
Checked = TypeVar("Checked")


def read(kind: type[Own], tell: Callable[[str], object] | None = None) -> Own:
    """
    The settings from the environment.

    Args:
        tell: gets a line for each wrong variable; prints to standard error by default.

    Raises:
        SystemExit: something is wrong, with code 2.
    """
    try:
        return kind()
    except ValidationError as error:
        for line in wrong(error):
            (tell or _on_standard_error)(line)
        raise SystemExit(WRONG_SETTINGS) from None


def wrong(error: ValidationError) -> list[str]:
    """Each wrong variable with its problem, without the values."""
    told: dict[str, list[str]] = {}
    for found in error.errors(include_url=False, include_input=False):
        # A setting of several types has an error for each of them.
        told.setdefault(_variable_of(found), []).append(_words(found))
    return [f"{name}: {' or '.join(words)}" for name, words in told.items()]


def misspelt(
    kind: type["KafkaSettings"], environment: Mapping[str, str] = os.environ
) -> list[tuple[str, str]]:
    """Variables that are no setting, each with the setting that has almost the same name."""
    known = set(variables_of(kind.model_fields))
    unknown = [name for name in environment if name.startswith(PREFIX) and name not in known]
    alike = [(name, get_close_matches(name, known, n=1, cutoff=ALIKE)) for name in sorted(unknown)]
    return [(name, meant[0]) for name, meant in alike if meant]


def pem(text: str) -> bytes:
    """A PEM; it may be on one line, with its line ends written as "\\n"."""
    return text.replace("\\n", "\n").encode()


def _on_standard_error(line: str) -> None:
    sys.stderr.write(line + "\n")


def _variable_of(found: Mapping[str, Any]) -> str:
    if found["type"] == UNUSABLE:
        return str(found["ctx"]["variable"])
    return variable(str(found["loc"][0])) if found["loc"] else "settings"


def _words(found: Mapping[str, Any]) -> str:
    if found["type"] == "missing":
        return "is not set"
    return str(found["msg"]).removeprefix("Value error, ")


def _public_pem(text: str) -> str:
    return _sound(text, lambda: isinstance(load_pem_public_key(pem(text)), Ed25519PublicKey), "public")


def _private_pem(secret: SecretStr) -> SecretStr:
    text = pem(secret.get_secret_value())
    return _sound(secret, lambda: isinstance(load_pem_private_key(text, None), Ed25519PrivateKey), "private")


def _sound(value: Checked, sound: Callable[[], bool], kind: str) -> Checked:
    try:
        if sound():
            return value
    except (ValueError, TypeError, UnsupportedAlgorithm):
        pass
    raise ValueError(f"is not an Ed25519 {kind} key in PEM; `kepu keys` makes one")


def _contact_key(value: str | SecretStr) -> str | SecretStr:
    text = value.get_secret_value() if isinstance(value, SecretStr) else value
    try:
        if len(b64decode(text, validate=True)) == CONTACT_KEY_BYTES:
            return value
    except (Base64Error, ValueError):
        pass
    raise ValueError(f"is not a key of {CONTACT_KEY_BYTES} bytes in base64; `kepu keys` makes one")


def _servers(text: str) -> str:
    if not _all_servers(text.split(","), port_needed=True):
        raise ValueError("has to be host:port[,host:port]")
    return text


def _mongo_url(text: str) -> str:
    url = urlsplit(text)
    hosts = url.netloc.rpartition("@")[2].split(",")
    if url.scheme not in MONGO_SCHEMES or not _all_servers(hosts, port_needed=False):
        raise ValueError("has to be like mongodb://host:port[,host:port]/?replicaSet=name")
    if why := mongo_url.why_wrong(text):
        raise ValueError(why)
    return text


def _root_path(text: str) -> str:
    if not _ROOT_PATH.fullmatch(text):
        raise ValueError("has to be like /quiz: with a slash before it and none after it")
    return text


def _collector(text: str) -> str:
    url = urlsplit(text)
    if text and not (url.scheme in ("http", "https") and url.hostname and url.path.strip("/")):
        raise ValueError("has to be like http://collector:4318/v1/traces")
    if text and not _is_installed(EXPORTER):
        raise ValueError("needs more packages: pip install 'kepu-week[traces]'")
    return text


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def _all_servers(servers: Iterable[str], *, port_needed: bool) -> bool:
    parts = [
        server.strip().rpartition(":") if ":" in server else (server.strip(), "", "") for server in servers
    ]
    return all(
        host and (port.isdecimal() and 0 < int(port) < 65_536 if colon else not port_needed)
        for host, colon, port in parts
    )


def _certificates(file: Path | None) -> Path | None:
    try:
        if file is not None:
            ssl.create_default_context(cafile=file)
    except OSError as error:
        # OpenSSL's own words would be "[X509: NO_CERTIFICATE_OR_CRL_FOUND]".
        why = "has no certificate in PEM" if isinstance(error, ssl.SSLError) else error.strerror
        raise ValueError(f"names a file that cannot be used: {why}") from None
    return file


def _token_file(file: Path | None) -> Path | None:
    if file is not None:
        secret_in(file)
    return file


PublicPem = Annotated[str, AfterValidator(_public_pem), MayBeInFile()]
PrivatePem = Annotated[SecretStr, AfterValidator(_private_pem)]
ContactPublicKey = Annotated[str, AfterValidator(_contact_key), MayBeInFile()]
ContactPrivateKey = Annotated[SecretStr, AfterValidator(_contact_key)]
NamePublicKey = Annotated[str, AfterValidator(_contact_key), MayBeInFile()]
NamePrivateKey = Annotated[SecretStr, AfterValidator(_contact_key)]


class KafkaSettings(BaseSettings):
    """Where Kafka is, and who logs in there (shared/messaging/connection.py)."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        frozen=True,
        extra="ignore",
        # Otherwise the error of one setting would show all values, also secrets.
        hide_input_in_errors=True,
    )

    kafka: Annotated[str, AfterValidator(_servers)] = Field(
        "127.0.0.1:9092", description="Kafka's bootstrap servers, host:port[,host:port]"
    )
    kafka_replication: int = Field(
        0, ge=0, le=5, description="copies of the topics that are created; 0: one on each broker, at most 3"
    )
    kafka_security: KafkaSecurity = Field(
        "PLAINTEXT", description="PLAINTEXT, SSL (TLS), SASL_PLAINTEXT (login) or SASL_SSL (login over TLS)"
    )
    kafka_sasl_mechanism: SaslMechanism = Field(
        "SCRAM-SHA-512", description="how to log in: PLAIN, SCRAM-SHA-512 or OAUTHBEARER"
    )
    kafka_username: str = Field("", max_length=200, description="the user who logs in at Kafka")
    kafka_password: SecretStr | None = Field(None, description="secret of that user")
    kafka_ca_file: Annotated[Path | None, AfterValidator(_certificates)] = Field(
        None, description="file with the certificates, in PEM, that TLS trusts; none: those of the system"
    )
    kafka_token_file: Annotated[Path | None, AfterValidator(_token_file)] = Field(
        None, description="file with the token of OAUTHBEARER; read again at each login"
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """What is given in the code, then what the environment says."""
        return init_settings, Variables(settings_cls)

    @field_validator("*", mode="before")
    @classmethod
    def _is_usable(cls, value: Any) -> Any:
        if isinstance(value, Unusable):
            raise PydanticCustomError(UNUSABLE, "{words}", {"variable": value.variable, "words": value.words})
        return value

    @model_validator(mode="after")
    def _kafka_can_be_reached(self) -> Self:
        security, mechanism = self.kafka_security, self.kafka_sasl_mechanism
        login = bool(self.kafka_username or self.kafka_password or self.kafka_token_file)
        if not security.startswith("SASL") and login:
            raise ValueError(
                f"KEPU_KAFKA_SECURITY is {security}, so nobody logs in: set it to SASL_SSL, or give no user "
                "and no token"
            )
        if not security.endswith("SSL") and self.kafka_ca_file:
            raise ValueError(
                f"KEPU_KAFKA_SECURITY is {security}, so KEPU_KAFKA_CA_FILE has no effect: set it to SASL_SSL "
                "or SSL"
            )
        if security.startswith("SASL"):
            if mechanism == "OAUTHBEARER" and not self.kafka_token_file:
                raise ValueError("OAUTHBEARER needs KEPU_KAFKA_TOKEN_FILE")
            if mechanism != "OAUTHBEARER" and not (self.kafka_username and self.kafka_password):
                raise ValueError(f"{mechanism} needs KEPU_KAFKA_USERNAME and KEPU_KAFKA_PASSWORD")
        if security == "SASL_PLAINTEXT" and mechanism in SHOWN_MECHANISMS:
            raise ValueError(f"{mechanism} over SASL_PLAINTEXT would send the secret in clear: use SASL_SSL")
        return self


class Settings(KafkaSettings):
    """What every service needs to know."""

    mongo: Annotated[str, AfterValidator(_mongo_url), MayBeInFile()] = Field(
        "mongodb://127.0.0.1:27017/?replicaSet=rs0",
        # It may contain a password.
        repr=False,
        description="MongoDB's address; a replica set",
    )
    role: Role = Field("all", description="api: HTTP; worker: consumers and relay; all: both")
    host: str = Field("127.0.0.1", description="address to listen on")
    port: int = Field(8000, ge=0, le=65_535, description="port to listen on")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="which lines are logged: those of this level and of worse ones"
    )
    slow_seconds: float = Field(
        1.0, gt=0, le=3_600, description="a request that takes longer gets a line in the log"
    )
    traces: Annotated[str, AfterValidator(_collector)] = Field(
        "",
        max_length=1_000,
        description="where an OpenTelemetry collector takes traces, such as http://collector:4318/v1/traces; "
        "empty: they are not recorded",
    )
    traces_ratio: float = Field(
        1.0, ge=0, le=1, description="the part of the traces begun here that is recorded"
    )
    instance: str = Field("", max_length=64, description="stable name of this process, for static membership")
    drain_seconds: float = Field(
        0,
        ge=0,
        le=60,
        description="how long it goes on answering after SIGTERM, while /readyz is 503 and balancers turn to "
        "other copies; a worker does not",
    )
    organiser_key: SecretStr = Field(description="the owner's key, which may do everything", min_length=16)
    organiser_keys_file: Path | None = Field(
        None, description="file with the hashes of further organisers' keys; read again when it changes"
    )
    trusted_proxies: str = Field(
        "",
        max_length=1_000,
        description="addresses of reverse proxies, with commas between: their `X-Forwarded-For` says where "
        "a request comes from",
    )
    root_path: Annotated[str, AfterValidator(_root_path)] = Field(
        "",
        max_length=200,
        description="the path that a reverse proxy takes off before it sends a request here, such as /quiz",
    )
    token_public_key: PublicPem = Field(
        description="Ed25519 public key that participants' tokens are checked with"
    )
