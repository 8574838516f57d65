"""Kafka's quotas of a user. None of our libraries can set them, so the request is written out here."""

import asyncio
from collections.abc import Mapping

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError, for_code
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import Array, Boolean, Float64, Int16, Int32, Schema, String

from shared.messaging.connection import Kafka, client_arguments
from shared.runtime.errors import Unavailable

ALTER_CLIENT_QUOTAS = 49
_ENTITY = Array(("entity_type", String("utf-8")), ("entity_name", String("utf-8")))


class _Answer(Response):  # type: ignore[misc]
    API_KEY = ALTER_CLIENT_QUOTAS
    API_VERSION = 0
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "entries",
            Array(("error_code", Int16), ("error_message", String("utf-8")), ("entity", _ENTITY)),
        ),
    )


class _Asked(RequestStruct):  # type: ignore[misc]
    API_KEY = ALTER_CLIENT_QUOTAS
    API_VERSION = 0
    RESPONSE_TYPE = _Answer
    SCHEMA = Schema(
        (
            "entries",
            Array(
                ("entity", _ENTITY),
                ("ops", Array(("key", String("utf-8")), ("value", Float64), ("remove", Boolean))),
            ),
        ),
        ("validate_only", Boolean),
    )


class _Alter(Request[_Asked]):  # type: ignore[misc]
    API_KEY = ALTER_CLIENT_QUOTAS

    def __init__(self, user: str, quotas: Mapping[str, float | None]) -> None:
        self._user = user
        self._quotas = quotas

    def build(self, request_struct_class: type[_Asked]) -> _Asked:
        changes = [(name, value or 0.0, value is None) for name, value in self._quotas.items()]
        return request_struct_class([([("user", self._user)], changes)], False)


def set_quotas(kafka: Kafka, user: str, quotas: Mapping[str, float | None]) -> None:
    """
    Set the quotas of a user by Kafka's names. None takes a quota away.

    Raises:
        Unavailable: Kafka does not answer, or refuses.
    """
    asyncio.run(_set(kafka, user, quotas))


async def _set(kafka: Kafka, user: str, quotas: Mapping[str, float | None]) -> None:
    admin = AIOKafkaAdminClient(**client_arguments(kafka))
    try:
        await admin.start()
        answer = await admin._send_request(_Alter(user, quotas))  # noqa: SLF001 (it has no method for this)
        for code, message, _ in answer.entries:
            if code:
                raise Unavailable(f"Kafka sets no quotas of {user}: {message or for_code(code).__name__}")
    except KafkaError as error:
        raise Unavailable(f"cannot set the quotas of {user} on {kafka}: {error}") from error
    finally:
        await admin.close()
