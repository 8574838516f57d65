"""
The membership of a group, mostly under a name that stays the same: `KEPU_INSTANCE`.

The broker answers UNKNOWN_MEMBER_ID to a heartbeat in two cases: the session ran out, or another process
has joined under the same name. aiokafka then forgets its id and joins as new. In the first case this is
right. In the second case it throws the other process out. The other process does the same, and so on for
ever.

`Membership` joins with its old id instead. The broker's answer shows which of the two cases it is. With
UNKNOWN_MEMBER_ID nobody has the name, so this process joins as new. With FENCED_INSTANCE_ID another process
has the name, and the broker has changed nothing. This process then gives way, and asks again until the other
one is gone.

A process that is killed stays a member for a session, so that its next start moves no partition. A process
that is told to end leaves its groups: it may never come back. The others take over at their next heartbeat.
aiokafka does not let a member with a name leave (docs/decisions/0090-three-questions.md, point 7).
"""

import asyncio
import logging
from typing import Any

import aiokafka.consumer.consumer as aiokafka_consumer
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.errors import (
    BrokerResponseError,
    GroupCoordinatorNotAvailableError,
    KafkaError,
    UnknownMemberIdError,
    for_code,
    kafka_errors,
)
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.group import JoinGroupRequest
from aiokafka.protocol.types import Array, Int16, Int32, Schema, String

log = logging.getLogger(__name__)

# A broker that does not answer must not delay the end of a process.
LEAVE_SECONDS_MAX = 1.5
GIVES_WAY = (
    "another process of this group has the same KEPU_INSTANCE, or had it a moment ago; this one waits until "
    "the name is free: give each process a name of its own"
)


class FencedInstanceIdError(BrokerResponseError):  # type: ignore[misc]
    """Another process has joined under this member's name; aiokafka does not know the error."""

    errno = 82
    message = "FENCED_INSTANCE_ID"


kafka_errors[FencedInstanceIdError.errno] = FencedInstanceIdError


class _Left(Response):  # type: ignore[misc]
    API_KEY, API_VERSION = 13, 3
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        ("error_code", Int16),
        (
            "members",
            Array(
                ("member_id", String("utf-8")),
                ("group_instance_id", String("utf-8")),
                ("error_code", Int16),
            ),
        ),
    )


class _Leave(RequestStruct):  # type: ignore[misc]
    API_KEY, API_VERSION, RESPONSE_TYPE = 13, 3, _Left
    SCHEMA = Schema(
        ("group", String("utf-8")),
        ("members", Array(("member_id", String("utf-8")), ("group_instance_id", String("utf-8")))),
    )


class LeaveRequest(Request[_Leave]):  # type: ignore[misc]
    """
    LeaveGroup in the version that knows names (KIP-345). aiokafka has older versions only.

    The broker refuses it if another process has the name by now.
    """

    API_KEY = 13

    def __init__(self, group: str, member_id: str, name: str | None) -> None:
        self._leaves = group, [(member_id, name)]

    def build(self, struct: type[_Leave]) -> _Leave:
        """The request as it is sent."""
        return struct(*self._leaves)


class Membership(GroupCoordinator):  # type: ignore[misc]
    """As aiokafka's class; but if two processes have the same name, the one that came first gives way."""

    gives_way = False

    def reset_generation(self) -> None:
        """The broker does not know this member any more, or not in this generation: join again."""
        unknown = self.member_id == JoinGroupRequest.UNKNOWN_MEMBER_ID
        if self._group_instance_id is None or unknown or self._closing.done():
            super().reset_generation()
        else:
            log.info("consumer lost its place in the group", extra={"group": self.group_id})
            # With the old id, so that the broker says whether another process has the name.
            self.request_rejoin()

    async def _send_req(self, request: Any) -> Any:
        answer = await super()._send_req(request)
        if isinstance(request, JoinGroupRequest):
            while for_code(answer.error_code) is FencedInstanceIdError:
                self._give_way(True)
                # Wait as long as a session. If the other process has died, it is not a member any more then.
                await asyncio.wait([self._closing], timeout=self._session_timeout_ms / 1000)
                if self._closing.done():
                    raise GroupCoordinatorNotAvailableError
                answer = await super()._send_req(request)
            self._give_way(False)
            if for_code(answer.error_code) is UnknownMemberIdError:
                super().reset_generation()
        return answer

    async def _maybe_leave_group(self) -> None:
        if self._closing.done() and self.generation > 0:
            request = LeaveRequest(self.group_id, self.member_id, self._group_instance_id)
            try:
                async with asyncio.timeout(LEAVE_SECONDS_MAX):
                    await self._send_req(request)
            except (KafkaError, TimeoutError) as error:
                log.warning(
                    "consumer ends without leaving its group",
                    extra={"group": self.group_id, "reason": type(error).__name__},
                )
            self.reset_generation()
        else:
            await super()._maybe_leave_group()

    def _give_way(self, gives_way: bool) -> None:
        if gives_way is not self.gives_way:
            self.gives_way = gives_way
            log.log(
                logging.ERROR if gives_way else logging.INFO,
                "consumer gives way to another process of its name"
                if gives_way
                else "consumer is a member again",
                extra={"group": self.group_id},
            )


def install() -> None:
    """Make every consumer of this process use `Membership`."""
    aiokafka_consumer.GroupCoordinator = Membership
