"""The overview service put together: role api answers organisers, role worker counts and watches."""

from typing import Annotated

from fastapi import FastAPI
from pydantic import AfterValidator, Field

from services.overview.counting.handlers import subscriptions
from services.overview.counting.store import CountStore
from services.overview.showing import api
from services.overview.watching.ask import ServicesAsked
from services.overview.watching.lag import LagWatch
from services.overview.watching.rules import addresses
from services.overview.watching.store import WatchStore
from shared.contracts import topics
from shared.messaging.offsets import Offsets
from shared.runtime.settings import Settings, read
from shared.service import Service, build
from shared.web.app import serve


def _addresses(text: str) -> str:
    addresses(text)
    return text


class OverviewSettings(Settings):
    """The settings of the overview."""

    database: str = Field("kepu_overview", description="name of the overview's own database")
    overview_services: Annotated[str, AfterValidator(_addresses)] = Field(
        "",
        max_length=4_000,
        description="the services whose `/health` it asks, such as "
        "quiz=http://10.0.0.5:8000,awards=http://10.0.0.6:8000; empty: none",
    )


async def wire(service: Service[OverviewSettings]) -> None:
    """Put the service's rooms together."""
    counts, watched = CountStore(service.database), WatchStore(service.database)
    await counts.prepare()
    if service.serves_http:
        service.provide(counts, watched)
    if service.runs_background:
        service.consume(*subscriptions(counts))
        offsets = Offsets(await service.publisher())
        service.run(LagWatch(offsets, topics.WATCHED, watched).loop)
        if asked := addresses(service.settings.overview_services):
            service.run((await service.enter(ServicesAsked(asked, watched))).loop)


def assemble(settings: OverviewSettings) -> FastAPI:
    """The service's app."""
    return build(
        settings,
        wire,
        name="overview",
        database=settings.database,
        title="Kepu Week: overview",
        description="The week in numbers for organisers, live: events, lag, health of the services.",
        routers=[api.routes],
    )


if __name__ == "__main__":
    settings = read(OverviewSettings)
    serve(assemble(settings), settings)
