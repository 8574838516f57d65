"""
The membership of a group under a name that stays the same: `KEPU_INSTANCE`.

The broker answers UNKNOWN_MEMBER_ID to a heartbeat in two cases: the session ran out, or another process
has joined under the same name. aiokafka then forgets its id and joins as new. In the first case this is
right. In the second case it throws the other process out. The other process does the same, and so on for
ever.

`Membership` joins with its old id instead. The broker's answer shows which of the two cases it is. With
UNKNOWN_MEMBER_ID nobody has the name, so this process joins as new. With FENCED_INSTANCE_ID another process
has the name, and the broker has changed nothing. This process then gives way, and asks again until the other
one is gone.
"""

import asyncio
import logging
from typing import Any

import aiokafka.consumer.consumer as aiokafka_consumer
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.errors import (
    BrokerResponseError,
    GroupCoordinatorNotAvailableError,
    UnknownMemberIdError,
    for_code,
    kafka_errors,
)
from aiokafka.protocol.group import JoinGroupRequest

log = logging.getLogger(__name__)

GIVES_WAY = (
    "another process of this group has the same KEPU_INSTANCE, or had it a moment ago; this one waits until "
    "the name is free: give each process a name of its own"
)


class FencedInstanceIdError(BrokerResponseError):  # type: ignore[misc]
    """Another process has joined under this member's name; aiokafka does not know the error."""

    errno = 82
    message = "FENCED_INSTANCE_ID"


kafka_errors[FencedInstanceIdError.errno] = FencedInstanceIdError


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
