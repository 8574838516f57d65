"""
The bridge for partners put together. It keeps nothing, so it has no database.

It has no routes beside health and metrics. Any number of copies share the partners' topics.
"""

from contextlib import AsyncExitStack
from pathlib import Path

from fastapi import FastAPI
from pydantic import Field

from services.partners.forwarding import follow, windows
from services.partners.forwarding.follow import GROUPS, Bridge
from services.partners.forwarding.windows import Looking
from shared.messaging.connection import KafkaConnection
from shared.messaging.offsets import Offsets
from shared.messaging.publisher import publishing
from shared.runtime.background import Loop, looping
from shared.runtime.settings import Settings, read
from shared.web.app import create_app, serve
from shared.web.health import Check
from shared.web.starting import Parts


class PartnersSettings(Settings):
    """The settings of partners."""

    partners_file: Path = Field(
        Path("partners.json"), description="file of partners (`kepu partner`); read again when it changes"
    )


def assemble(settings: PartnersSettings) -> FastAPI:
    """The service's app."""

    async def opened(_: FastAPI, stack: AsyncExitStack) -> Parts:
        kafka = KafkaConnection.of(settings)
        publisher = await stack.enter_async_context(publishing(kafka, "kepu-partners"))
        await publisher.start()
        looking = Looking(Offsets(publisher), GROUPS)
        bridge = Bridge(settings.partners_file, kafka, publisher, looking, instance=settings.instance)
        stack.push_async_callback(bridge.close)
        loops = Loop(follow.LOOP, bridge.turn), Loop(windows.LOOP, looking.turn, retry_seconds_max=1.0)
        await stack.enter_async_context(looping(*loops))
        checks: dict[str, Check] = {"kafka": publisher.ping, "partners": bridge.check}
        return Parts(checks | {loop.name: loop.check for loop in loops}, {"kafka": publisher.ping})

    return create_app(
        "partners",
        title="Kepu Week: partners",
        description="Checks what partners wrote to topics of their own, and forwards it.",
        settings=settings,
        lifespan=opened,
    )


if __name__ == "__main__":
    settings = read(PartnersSettings)
    serve(assemble(settings), settings)
