"""A Kafka and a MongoDB that want TLS and logins: one user for each service, each with its own rights."""

import asyncio
import os
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from json import dumps
from pathlib import Path
from time import time
from typing import Any
from urllib.parse import quote

from confluent_kafka.admin import (  # type: ignore[attr-defined] # (its types forget some)
    AdminClient,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)
from pydantic import SecretStr
from pymongo import MongoClient
from pymongo.errors import PyMongoError

from ops.deployment import access
from ops.deployment.access import Grant
from ops.deployment.description import EVERY
from ops.deployment.partners import bindings
from ops.local.services import Services
from ops.stack.host import choose_ports
from ops.stack.kafka import Kafka
from ops.stack.mongo import REPLICA_SET, Mongo
from ops.stack.process import Command, kill, start
from ops.stack.scratch import in_memory, scratch
from ops.stack.server import wait_until_ready
from shared.messaging.connection import KafkaConnection
from tests.support.certificates import HOST, Authority
from tests.support.waiting import eventually

ANSWER_SECONDS_MAX = 20.0
TOKEN_SECONDS = 3_600
OPERATOR, OTHER = "kepu-operator", "examination-hall"
# Another system that may also read what quizzes there are, in groups of its own.
READER = "examination-hall-2"
# The bridge for partners.
BRIDGE = "kepu-partners"
USERS = (*(f"kepu-{service}" for service in EVERY), BRIDGE, OPERATOR, OTHER, READER)
# Beside the listener that the stack checks. Who comes there without a login is above all rights, and makes
# the users.
LISTENERS = """
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller},SCRAM://{host}:{scram},TOKEN://{host}:{token}
advertised.listeners=PLAINTEXT://{host}:{port},SCRAM://{host}:{scram},TOKEN://{host}:{token}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SCRAM:SASL_SSL,TOKEN:SASL_SSL
inter.broker.listener.name=PLAINTEXT
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS
ssl.keystore.type=PEM
ssl.keystore.location={keystore}
listener.name.scram.sasl.enabled.mechanisms=SCRAM-SHA-512,PLAIN
listener.name.scram.scram-sha-512.sasl.jaas.config={module}.scram.ScramLoginModule required;
listener.name.scram.plain.sasl.jaas.config={module}.plain.PlainLoginModule required user_{user}="{password}";
listener.name.token.sasl.enabled.mechanisms=OAUTHBEARER
listener.name.token.oauthbearer.sasl.jaas.config={module}.oauthbearer.OAuthBearerLoginModule required;
"""


@dataclass(frozen=True)
class Secured:
    """Where the servers are, who may log in, and the authority that has signed their certificates."""

    folder: Path
    ca_file: Path
    kafka_ports: Sequence[int]
    mongo_port: int
    # With signs that have to be encoded in an address.
    password: str = field(default_factory=lambda: f"{secrets.token_urlsafe()}@:/")

    def kafka(self, user: str) -> KafkaConnection:
        """Kafka's listener with TLS and SCRAM, for this user."""
        return KafkaConnection(
            f"{HOST}:{self.kafka_ports[2]}",
            "SASL_SSL",
            username=user,
            password=SecretStr(self.password),
            ca_file=self.ca_file,
        )

    def kafka_by_token(self, user: str) -> KafkaConnection:
        """Kafka's listener with TLS and tokens, with a token of this user in a file."""
        file = self.folder / f"token-{user}"
        file.write_text(token_of(user))
        return replace(
            self.kafka(user),
            servers=f"{HOST}:{self.kafka_ports[3]}",
            mechanism="OAUTHBEARER",
            username="",
            password=SecretStr(""),
            token_file=file,
        )

    def mongo(self, user: str) -> str:
        """MongoDB's address for this user."""
        login = f"{user}:{quote(self.password, safe='')}@"
        return (
            f"mongodb://{login}{HOST}:{self.mongo_port}/?replicaSet={REPLICA_SET}&authSource=admin&{self.tls}"
        )

    @property
    def tls(self) -> str:
        """The part of MongoDB's address that asks for TLS."""
        return f"tls=true&tlsCAFile={quote(str(self.ca_file), safe='')}"

    def variables(self, user: str) -> dict[str, str]:
        """What the environment of this user's process says, the secrets in files."""
        kafka = self.kafka(user)
        (self.folder / f"mongo-{user}").write_text(self.mongo(user) + "\n")
        (self.folder / "password").write_text(self.password)
        return {
            "KEPU_KAFKA": kafka.servers,
            "KEPU_KAFKA_SECURITY": kafka.security,
            "KEPU_KAFKA_USERNAME": user,
            "KEPU_KAFKA_PASSWORD_FILE": str(self.folder / "password"),
            "KEPU_KAFKA_CA_FILE": str(self.ca_file),
            "KEPU_MONGO": "",
            "KEPU_MONGO_FILE": str(self.folder / f"mongo-{user}"),
        }

    @cached_property
    def unbound(self) -> AdminClient:
        """A client of Kafka that may do everything."""
        return AdminClient({"bootstrap.servers": f"{HOST}:{self.kafka_ports[0]}"})

    def grant(self, user: str, grants: Sequence[Grant]) -> None:
        """Let a user do this at Kafka."""
        for done in self.unbound.create_acls(bindings(user, grants)).values():
            done.result(ANSWER_SECONDS_MAX)


class SecuredServices(Services):
    """The services of a week, each logged in as its own user."""

    secured: Secured

    def _command(self, name: str, port: int) -> tuple[tuple[str, ...], dict[str, str]]:
        arguments, environment = super()._command(name, port)
        part = next((part for part in self.parts if part.name == name), None)
        login = self.secured.variables(f"kepu-{part.service}") if part else {}
        return arguments, environment | login


@contextmanager
def secured_servers() -> Iterator[Secured]:
    """Servers of one's own, with all users and their rights; no topics yet."""
    with scratch("kepu-secured-", within=in_memory()) as folder, ExitStack() as stack:
        authority = Authority()
        (keystore := folder / "server.pem").write_bytes(authority.server())
        kafka_ports, [mongo_port] = choose_ports("kafka", 4, None, ()), choose_ports("mongo", 1, None, ())
        secured = Secured(folder, authority.write(folder / "ca.pem"), kafka_ports, mongo_port)
        mongo = Mongo(folder / "mongo")
        running = start(_of_mongo(mongo, secured, keystore), folder / "mongo.log", detached=False)
        stack.callback(running.reap)
        stack.callback(kill, running.process)
        kafka = Kafka(folder / "kafka", {**os.environ}, lambda _: None)
        command = kafka.command([kafka_ports[:2]])
        _secure(command.folder / "server.properties", secured, keystore)
        running = start(command, folder / "kafka.log", detached=False)
        stack.callback(running.reap)
        stack.callback(kill, running.process)
        _add_users_of_mongo(secured)
        wait_until_ready(kafka, running.process, [kafka_ports[:2]], folder / "kafka.log")
        _add_users_of_kafka(secured)
        yield secured


def token_of(user: str) -> str:
    """A token as Kafka takes it when nobody has told it who signs tokens."""
    now = int(time())
    parts = ({"alg": "none"}, {"sub": user, "iat": now, "exp": now + TOKEN_SECONDS})
    header, claims = (urlsafe_b64encode(dumps(part).encode()).decode().rstrip("=") for part in parts)
    return f"{header}.{claims}."


def _secure(properties: Path, secured: Secured, keystore: Path) -> None:
    port, controller, scram, token = secured.kafka_ports
    added = LISTENERS.format(
        host=HOST,
        port=port,
        controller=controller,
        scram=scram,
        token=token,
        keystore=keystore,
        module="org.apache.kafka.common.security",
        user=OPERATOR,
        password=secured.password,
    )
    # The last line of a name counts.
    properties.write_text(properties.read_text() + added)


def _add_users_of_kafka(secured: Secured) -> None:
    kind = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4_096)
    password = secured.password.encode()
    added: list[Any] = [UserScramCredentialUpsertion(user, kind, password) for user in USERS]
    for done in secured.unbound.alter_user_scram_credentials(added).values():
        done.result(ANSWER_SECONDS_MAX)
    for service in EVERY:
        secured.grant(f"kepu-{service}", access.of_service(service))
    secured.grant(BRIDGE, access.of_bridge())
    secured.grant(OPERATOR, access.of_operators())
    for user in (OTHER, READER):
        secured.grant(user, access.of_another_system())
    secured.grant(READER, [Grant("topic", ("READ",), ("quiz.published",))])
    secured.grant(READER, [Grant("group", ("READ",), ("examination-hall",), prefixed=True)])


def _of_mongo(mongo: Mongo, secured: Secured, keystore: Path) -> Command:
    key_file = secured.folder / "members.key"
    key_file.touch(mode=0o600)
    key_file.write_text(secrets.token_hex())
    (secured.folder / "mongo").mkdir()
    command = mongo.command([[secured.mongo_port]])
    added = {
        "--tlsMode": "requireTLS",
        "--tlsCertificateKeyFile": keystore,
        "--tlsCAFile": secured.ca_file,
        "--keyFile": key_file,
    }
    pairs = [str(part) for pair in added.items() for part in pair]
    extra = (*pairs, "--auth", "--tlsAllowConnectionsWithoutCertificates")
    return replace(command, arguments=(*command.arguments, *extra))


def _add_users_of_mongo(secured: Secured) -> None:
    address = f"mongodb://{HOST}:{secured.mongo_port}/?directConnection=true&{secured.tls}"
    member = {"_id": 0, "host": f"{HOST}:{secured.mongo_port}"}

    def is_primary() -> bool:
        return bool(client.admin.command("hello").get("isWritablePrimary"))

    def initiated() -> bool:
        try:
            client.admin.command("replSetInitiate", {"_id": REPLICA_SET, "members": [member]})
        except PyMongoError:
            return is_primary()
        return True

    # The first user may be made from this machine without a login.
    with MongoClient[dict[str, Any]](address, serverSelectionTimeoutMS=1_000) as client:
        asyncio.run(eventually(initiated, seconds=ANSWER_SECONDS_MAX))
        asyncio.run(eventually(is_primary, seconds=ANSWER_SECONDS_MAX))
        client.admin.command("createUser", OPERATOR, pwd=secured.password, roles=["root"])
    with MongoClient[dict[str, Any]](secured.mongo(OPERATOR)) as client:
        for service in EVERY:
            own = [{"role": "readWrite", "db": f"kepu_{service}"}]
            client.admin.command("createUser", f"kepu-{service}", pwd=secured.password, roles=own)
