"""The awards service put together: role api answers, role worker issues and relays."""

from fastapi import FastAPI
from pydantic import Field, SecretStr

from services.awards.issuing.apply import Organising
from services.awards.issuing.handlers import subscriptions
from services.awards.issuing.issue import Issuing
from services.awards.register.api import AwardsApi, router
from services.awards.register.store import AwardStore
from services.awards.results.forget import upkeep
from services.awards.wording import CHINESE
from shared.runtime.background import Loop
from shared.runtime.settings import Settings, read
from shared.service import Service, build
from shared.web.app import serve


class AwardsSettings(Settings):
    """What awards is configured by."""

    database: str = Field("kepu_awards", description="name of awards' own database")
    award_key: SecretStr = Field(min_length=32, description="secret that makes award codes")


async def wire(service: Service[AwardsSettings]) -> None:
    """Put the service's rooms together."""
    store = AwardStore(service.database)
    await store.prepare()
    issuing = Issuing(store, key=service.settings.award_key.get_secret_value().encode())
    if service.answers:
        service.provide(AwardsApi(store, Organising(store, issuing)))
    if service.works:
        service.consume(*subscriptions(store, issuing))
        service.run(Loop("upkeep", upkeep(store.results)))


def assemble(settings: AwardsSettings) -> FastAPI:
    """The service's app."""
    return build(
        settings,
        wire,
        name="awards",
        database=settings.database,
        title="Kepu Week: awards",
        description="Schemes, awards and their codes.",
        routers=[router()],
        chinese=CHINESE,
    )


if __name__ == "__main__":
    settings = read(AwardsSettings)
    serve(assemble(settings), settings)
