"""The servers of a deployment elsewhere, as options and the environment name them."""

import os
from collections.abc import Mapping

from pydantic import ValidationError

from ops.errors import CommandError
from shared.messaging.connection import KafkaConnection
from shared.runtime.settings import KafkaSettings, wrong
from shared.runtime.variables import secret_of, taken_from


class WronglyNamed(CommandError):
    """A variable that names a server, or who logs in there, is wrong."""


def named_kafka(servers: str, environment: Mapping[str, str] = os.environ) -> KafkaConnection:
    """
    The Kafka at these bootstrap servers. Who logs in there is said by the variables of the services.

    Raises:
        WronglyNamed: a variable is wrong.
    """
    try:
        with taken_from(environment):
            return KafkaConnection.of(KafkaSettings(kafka=servers))
    except ValidationError as error:
        raise WronglyNamed("; ".join(wrong(error))) from None


def value_of(name: str, environment: Mapping[str, str] = os.environ) -> str | None:
    """
    A variable's value, or what is in the file that NAME_FILE names.

    Raises:
        WronglyNamed: both are set, or the file has no value.
    """
    try:
        return secret_of(name, environment)
    except ValueError as error:
        raise WronglyNamed(str(error)) from None
