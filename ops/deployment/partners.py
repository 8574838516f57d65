"""
Partners: their file, and their user, rights and quotas at Kafka.

The order of each change is such that after a crash the same command can be given again.
"""

import asyncio
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (  # type: ignore[attr-defined] # (its types forget some)
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialDeletion,
    UserScramCredentialUpsertion,
)

from ops.deployment import kept_file
from ops.deployment.access import Grant, of_partner
from ops.deployment.clients import confluent_arguments
from ops.deployment.quotas import set_quotas
from ops.errors import CommandError
from shared.contracts.partners import PARTNERS_MAX, Partner, PartnerFile, read_partners
from shared.contracts.topics import RECORD_BYTES_MAX
from shared.messaging.connection import Kafka
from shared.messaging.create_topics import create_missing

MECHANISM = ScramMechanism.SCRAM_SHA_512
# RFC 7677 wants 4,096 at least. A password of 256 random bits needs no more.
ITERATIONS = 4_096
PASSWORD_BYTES = 32
ANSWER_SECONDS_MAX = 20.0
# A command and what Kafka adds to it; most have half of that.
COMMAND_BYTES = 4_096
# The largest record goes through within ten seconds, at any rate.
WRITE_BYTES_SECOND_MIN = RECORD_BYTES_MAX // 10
READ_BYTES_SECOND = 2 * 1_048_576
# Percent of one thread of the broker.
REQUEST_PERCENT = 25.0
QUOTAS = ("producer_byte_rate", "consumer_byte_rate", "request_percentage")
# What Kafka answers if it has no authorizer: then everybody may do everything.
_UNCHECKED = "SECURITY_DISABLED"


class PartnersError(CommandError):
    """The file of partners cannot be read or written, or does not allow this; or Kafka refuses."""


@dataclass(frozen=True, slots=True)
class Login:
    """
    How a partner logs in.

    Attributes:
        checked: False if this Kafka lets everybody do everything, so that no login is needed.
    """

    user: str
    password: str
    checked: bool


def entries(file: Path) -> tuple[Partner, ...]:
    """
    The partners of a file; none if there is no file yet.

    Raises:
        PartnersError: it cannot be read, or the bridge would refuse it.
    """
    try:
        return read_partners(file.read_bytes()).partners
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise PartnersError(f"can't read {file}: {error.strerror}") from error
    except ValueError as error:
        raise PartnersError(f"{file} is no file of partners: {error}") from error


def entry(file: Path, name: str) -> Partner:
    """
    The partner of this name.

    Raises:
        PartnersError: there is none.
    """
    for partner in entries(file):
        if partner.name == name:
            return partner
    raise PartnersError(f"{file} has no partner {name}: see kepu partner list")


def add(
    file: Path, kafka: Kafka, partner: Partner, *, replication: int = 0, take_over: bool = False
) -> Login:
    """
    Make a partner's topics, user, rights and quotas, then let the bridge read its topics.

    Args:
        take_over: the partner may get a user that is there already, and gives it another password.
    Returns: its login. Kafka keeps no password, so nobody can see it again.
    Raises:
        PartnersError: the name or source is there already or is not allowed, or somebody else's user has the
            name; or Kafka refuses.
        Unavailable: Kafka does not answer.
    """
    with _alone(file):
        before = entries(file)
        if any(one.name == partner.name for one in before):
            raise PartnersError(
                f"{partner.name} is a partner already: see kepu partner show {partner.name}; for a new "
                f"password, kepu partner rotate {partner.name}"
            )
        if len(before) >= PARTNERS_MAX:
            raise PartnersError(f"there are {PARTNERS_MAX} partners, and no more can be: remove one first")
        content = _checked((*before, partner))
        asyncio.run(create_missing(kafka, replication, partner.topics))
        admin = AdminClient(confluent_arguments(kafka))
        with _told():
            if not take_over and _has_user(admin, partner.name):
                raise PartnersError(
                    f"Kafka has a user {partner.name} already: choose another name; or, if an earlier kepu "
                    "partner add has made the user and failed, add --take-over"
                )
            checked = _grant(admin, partner)
            set_quotas(kafka, partner.name, dict(zip(QUOTAS, _quotas(partner), strict=True)))
            login = Login(partner.name, _new_password(admin, partner.name), checked)
        kept_file.replace(file, content)
        return login


def rotate(file: Path, kafka: Kafka, name: str) -> Login:
    """
    Give a partner a new password. Connections that are open go on; with the old one nobody opens another.

    Raises:
        PartnersError: there is no such partner, or Kafka refuses.
    """
    # Alone: a partner that another command removes meanwhile would be given its user and rights again.
    with _alone(file):
        partner = entry(file, name)
        admin = AdminClient(confluent_arguments(kafka))
        with _told():
            return Login(name, _new_password(admin, name), _grant(admin, partner))


def remove(file: Path, kafka: Kafka, name: str, *, with_topics: bool) -> None:
    """
    End a partner: it may do nothing from now on, also over connections that are open.

    Args:
        with_topics: delete its topics too, with all that the bridge has not read, and its dead letters.
    Raises:
        PartnersError: there is no such partner, or Kafka refuses.
    """
    with _alone(file):
        partner = entry(file, name)
        admin = AdminClient(confluent_arguments(kafka))
        with _told():
            _revoke(admin, name)
            deletion: Any = UserScramCredentialDeletion(name, MECHANISM)
            _done(admin.alter_user_scram_credentials([deletion]), but=KafkaError.RESOURCE_NOT_FOUND)
            set_quotas(kafka, name, dict.fromkeys(QUOTAS))
        kept_file.replace(file, _checked([one for one in entries(file) if one.name != name]))
        if with_topics:
            with _told():
                names = [topic.name for topic in partner.topics]
                _done(admin.delete_topics(names), but=KafkaError.UNKNOWN_TOPIC_OR_PART)


def bindings(user: str, grants: Sequence[Grant]) -> list[AclBinding]:
    """Kafka's rights for what a user is granted."""
    return [
        AclBinding(
            ResourceType[grant.kind.upper()],
            name,
            ResourcePatternType.PREFIXED if grant.prefixed else ResourcePatternType.LITERAL,
            f"User:{user}",
            "*",
            AclOperation[operation],
            AclPermissionType.ALLOW,
        )
        for grant in grants
        for name in grant.names
        for operation in grant.operations
    ]


def _quotas(partner: Partner) -> tuple[float, float, float]:
    write = max(WRITE_BYTES_SECOND_MIN, partner.rate_per_second * COMMAND_BYTES)
    return float(write), float(READ_BYTES_SECOND), REQUEST_PERCENT


def _grant(admin: AdminClient, partner: Partner) -> bool:
    """Returns whether this Kafka checks rights at all."""
    try:
        _done(admin.create_acls(bindings(partner.name, of_partner(partner))))
    except KafkaException as error:
        if error.args[0].name() != _UNCHECKED:
            raise
        return False
    return True


def _revoke(admin: AdminClient, user: str) -> None:
    # Its types forget that None stands for any name and any host.
    any_one: Any = None
    everything = AclBindingFilter(
        ResourceType.ANY,
        any_one,
        ResourcePatternType.ANY,
        f"User:{user}",
        any_one,
        AclOperation.ANY,
        AclPermissionType.ANY,
    )
    try:
        _done(admin.delete_acls([everything]))
    except KafkaException as error:
        if error.args[0].name() != _UNCHECKED:
            raise


def _has_user(admin: AdminClient, user: str) -> bool:
    try:
        found: Any = admin.describe_user_scram_credentials([user])
        found[user].result(ANSWER_SECONDS_MAX)
    except KafkaException as error:
        if error.args[0].code() != KafkaError.RESOURCE_NOT_FOUND:
            raise
        return False
    return True


def _new_password(admin: AdminClient, user: str) -> str:
    password = secrets.token_urlsafe(PASSWORD_BYTES)
    kind = ScramCredentialInfo(MECHANISM, ITERATIONS)
    change: Any = UserScramCredentialUpsertion(user, kind, password.encode())
    _done(admin.alter_user_scram_credentials([change]))
    return password


def _done(futures: Any, *, but: int | None = None) -> None:
    for future in futures.values():
        try:
            future.result(ANSWER_SECONDS_MAX)
        except KafkaException as error:
            if error.args[0].code() != but:
                raise


def _checked(partners: Sequence[Partner]) -> bytes:
    content = msgspec.json.format(msgspec.json.encode(PartnerFile(tuple(partners))), indent=2) + b"\n"
    try:
        read_partners(content)
    except ValueError as error:
        raise PartnersError(str(error)) from None
    return content


@contextmanager
def _alone(file: Path) -> Iterator[None]:
    try:
        with kept_file.alone(file):
            yield
    except OSError as error:
        raise PartnersError(f"can't write {file}: {error.strerror}") from error


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except KafkaException as error:
        raise PartnersError(
            f"Kafka refuses: {error.args[0].str()}; log in as a user who may alter the cluster"
        ) from error
