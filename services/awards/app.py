"""The awards service put together: role api answers, role worker issues awards and publishes the outbox."""

from pathlib import Path

from fastapi import FastAPI
from pydantic import Field, SecretStr

from services.awards.ceremonies import api as ceremonies_api
from services.awards.ceremonies import handlers as ceremonies_handlers
from services.awards.ceremonies import wording as ceremonies_wording
from services.awards.ceremonies.arrivals import ArrivalStore
from services.awards.ceremonies.hand_over import HandingOver
from services.awards.ceremonies.put import Putting
from services.awards.ceremonies.script import Scripts
from services.awards.ceremonies.store import CeremonyStore
from services.awards.choosing import api as choosing_api
from services.awards.choosing import wording as choosing_wording
from services.awards.choosing.award import Awarder
from services.awards.choosing.decide import Verdicts
from services.awards.choosing.forget import SelectionLeavers
from services.awards.choosing.object import ObjectingToCandidates
from services.awards.choosing.shortlist import Shortlists
from services.awards.choosing.store import ChoiceStore
from services.awards.credentials import api as credentials_api
from services.awards.credentials import wording as credentials_wording
from services.awards.credentials.give import Credentials
from services.awards.credentials.issuer_settings import IssuerSettings
from services.awards.credentials.keys import issuer_keys
from services.awards.credentials.lists import StatusLists
from services.awards.credentials.store import PlaceStore
from services.awards.documents import api as documents_api
from services.awards.documents import wording as documents_wording
from services.awards.documents.make import Documents
from services.awards.documents.print_pages import Printing
from services.awards.documents.prints import PrintStore
from services.awards.documents.store import TemplateStore
from services.awards.documents.typeset import pressing
from services.awards.draws import api as draws_api
from services.awards.draws import wording as draws_wording
from services.awards.draws.forget import forget_all_words
from services.awards.draws.freeze import Freezer
from services.awards.draws.hold import Draws
from services.awards.draws.settle import Settler
from services.awards.draws.store import DrawStore
from services.awards.draws.tied import TiedReader
from services.awards.following import api as following_api
from services.awards.following import wording as following_wording
from services.awards.following.facts import FactsReader
from services.awards.following.follow import Follower
from services.awards.following.preview import Previews
from services.awards.issued import api as issued_api
from services.awards.issued import wording as issued_wording
from services.awards.issued.forget import Forgetting
from services.awards.issued.store import AwardStore
from services.awards.issued.tries import CodeTries
from services.awards.issuing import api as issuing_api
from services.awards.issuing import handlers as issuing_handlers
from services.awards.issuing import wording as issuing_wording
from services.awards.issuing.decide_ties import TieDecider
from services.awards.issuing.issue import Issuer
from services.awards.issuing.outdated import Outdated
from services.awards.issuing.places import Places
from services.awards.issuing.replace import Replacing
from services.awards.issuing.touched import Touched
from services.awards.judging import api as judging_api
from services.awards.judging import wording as judging_wording
from services.awards.judging.panels import Panels
from services.awards.judging.review import Reviews
from services.awards.judging.store import JudgingStore
from services.awards.known import handlers as known_handlers
from services.awards.known import wording as known_wording
from services.awards.known.store import KnownStore
from services.awards.life import api as life_api
from services.awards.life.read import Life
from services.awards.names import handlers as names_handlers
from services.awards.names.store import NameStore
from services.awards.objections import wording as objections_wording
from services.awards.objections.object import Objections
from services.awards.objections.store import ObjectionStore
from services.awards.proposals import api as proposals_api
from services.awards.proposals import wording as proposals_wording
from services.awards.proposals.advance import Advancing
from services.awards.proposals.find import Finder
from services.awards.proposals.forget import forget_proposals
from services.awards.proposals.object import Objecting
from services.awards.proposals.propose import Conferring
from services.awards.proposals.store import NoticeStore, ProposalStore
from services.awards.proposals.tell import Teller
from services.awards.results.changes import ChangeStore
from services.awards.results.decisions import DecisionStore
from services.awards.results.store import ResultStore
from services.awards.results.upkeep import Upkeep
from services.awards.schemes import api as schemes_api
from services.awards.schemes import wording as schemes_wording
from services.awards.schemes.store import SchemeStore, TieStore
from services.awards.selections import api as selections_api
from services.awards.selections import wording as selections_wording
from services.awards.selections.nominate import Nominations
from services.awards.selections.store import SelectionStore
from services.awards.statistics import api as statistics_api
from services.awards.statistics import wording as statistics_wording
from services.awards.statistics.count import Counting
from services.awards.statistics.store import StatisticsStore
from services.awards.winners import api as winners_api
from services.awards.winners import wording as winners_wording
from services.awards.winners.lists import WinnerLists
from shared.runtime.keyed_hash import KeyedHash
from shared.runtime.settings import NamePrivateKey, read
from shared.service import Service, build
from shared.web.app import serve
from shared.web.paced import Paced


class AwardsSettings(IssuerSettings):
    """The settings of awards."""

    database: str = Field("kepu_awards", description="name of awards' own database")
    award_key: SecretStr = Field(min_length=32, description="secret that makes award codes")
    fonts_folder: Path | None = Field(None, description="more fonts for documents, for rare characters")
    name_private_key: NamePrivateKey | None = Field(
        None, description="opens names and addresses, base64; without it no names are shown"
    )


async def wire(service: Service[AwardsSettings]) -> None:
    """Put the service's rooms together."""
    db = service.database
    known, results, decisions = KnownStore(db), ResultStore(db), DecisionStore(db)
    changes, schemes, awards = ChangeStore(db), SchemeStore(db), AwardStore(db)
    notices, proposals, objections = NoticeStore(db), ProposalStore(db), ObjectionStore(db)
    draws, selections, judging, choices = DrawStore(db), SelectionStore(db), JudgingStore(db), ChoiceStore(db)
    stores = (known, results, decisions, changes, schemes, awards, notices, proposals, objections, draws)
    for store in (*stores, selections, judging, choices):
        await store.prepare()
    key = service.settings.award_key.get_secret_value().encode()
    issuer = Issuer(awards, schemes, known, changes, key=key)
    places = Places(awards, known, decisions, proposals.barred)
    touched, outdated = Touched(awards, places), Outdated(results, decisions, changes)
    facts = FactsReader(results, decisions, schemes, places)
    panels = Panels(selections, judging, known)
    names = await _wire_names(service, known, schemes, awards)
    prints = await _wire_documents(service, known, awards, names, key)
    if service.serves_http:
        _provide_selections(service, selections, judging, choices, panels, known, schemes)
        _provide_objections(service, selections, choices, known, schemes, notices, proposals, objections)
        service.provide(known, results, decisions, schemes, awards, issuer, outdated, Paced(), CodeTries())
        service.provide(changes, places, Previews(known, facts, schemes, awards, touched))
        await _wire_credentials(service, known, schemes, awards)
        service.provide(notices, proposals, Conferring(schemes, known, issuer, notices, proposals))
        service.provide(draws, Draws(draws, schemes, known), Replacing(awards, schemes, known, issuer))
        service.provide(Life(schemes, results, known, notices, draws, selections))
    ceremonies, arrivals = await _wire_ceremonies(service, known, schemes, awards, names)
    if service.runs_background:
        ties = TieStore(service.database)
        handler = issuing_handlers.ResultHandler(
            known, results, decisions, changes, schemes, issuer, touched, ties, notices.mark
        )
        leavers = SelectionLeavers(selections, judging, panels)

        async def forget(erased: set[str]) -> None:
            await prints.forget(erased)
            await forget_proposals(erased, schemes, proposals)
            await forget_all_words(erased, awards, schemes, decisions, draws)
            await objections.forget(erased)
            await leavers.forget(erased)
            await ceremonies.forget(erased)
            await arrivals.forget(erased)

        service.consume(
            *issuing_handlers.subscriptions(handler),
            *known_handlers.subscriptions(known, service.ended_tokens, forget),
        )
        follower = Follower(known, facts, changes, schemes, awards, issuer, touched, notices.mark)
        decider = TieDecider(ties, schemes, results, issuer, outdated, known, places)
        tied = TiedReader(schemes, results, outdated)
        freezer = Freezer(draws, known, results, decisions, awards, tied)
        settler = Settler(draws, freezer, schemes, awards, known, issuer)
        forgetting = Forgetting(known, results, schemes, awards)
        finder = Finder(notices, proposals, results, schemes, outdated, issuer, places)
        advancing = Advancing(notices, schemes, finder, Teller(notices, proposals, awards, known, issuer))
        loops = (forgetting.loop, follower.loop, decider.loop, advancing.loop, settler.loop)
        service.run(Upkeep(results).loop, *loops)
        service.run(Awarder(selections, choices, schemes, issuer).loop)


def _provide_selections(
    service: Service[AwardsSettings],
    selections: SelectionStore,
    judging: JudgingStore,
    choices: ChoiceStore,
    panels: Panels,
    known: KnownStore,
    schemes: SchemeStore,
) -> None:
    service.provide(selections, judging, choices, panels, Nominations(selections, known))
    service.provide(Reviews(selections, judging), Shortlists(selections, judging, choices))


def _provide_objections(
    service: Service[AwardsSettings],
    selections: SelectionStore,
    choices: ChoiceStore,
    known: KnownStore,
    schemes: SchemeStore,
    notices: NoticeStore,
    proposals: ProposalStore,
    objections: ObjectionStore,
) -> None:
    both = Objections(objections, known)
    service.provide(objections, Objecting(schemes, notices, proposals, both))
    service.provide(ObjectingToCandidates(selections, choices, both))
    service.provide(Verdicts(selections, choices, schemes, known, objections))


async def _wire_names(
    service: Service[AwardsSettings], known: KnownStore, schemes: SchemeStore, awards: AwardStore
) -> NameStore:
    key = service.settings.name_private_key
    names = NameStore(service.database, key.get_secret_value() if key else None)
    await names.prepare()
    if service.serves_http:
        service.provide(names, WinnerLists(awards, names, known, schemes))
        service.provide(Counting(schemes, StatisticsStore(service.database)))
    if service.runs_background:
        service.consume(*names_handlers.subscriptions(names))
    return names


async def _wire_documents(
    service: Service[AwardsSettings], known: KnownStore, awards: AwardStore, names: NameStore, key: bytes
) -> PrintStore:
    templates, prints = TemplateStore(service.database), PrintStore(service.database)
    await templates.prepare()
    await prints.prepare()
    settings = service.settings
    url = settings.public_url or f"http://localhost:{settings.port}"
    press = await service.enter(pressing(names, settings.fonts_folder, url, settings.issuer_name))
    if service.serves_http:
        documents = Documents(awards, known, templates, press, KeyedHash(key))
        service.provide(templates, prints, press, documents)
    if service.runs_background:
        service.run(Printing(awards, known, prints, press).loop)
    return prints


async def _wire_credentials(
    service: Service[AwardsSettings], known: KnownStore, schemes: SchemeStore, awards: AwardStore
) -> None:
    places = PlaceStore(service.database)
    await places.prepare()
    settings = service.settings
    salt_key = settings.award_key.get_secret_value().encode()
    keys = issuer_keys(
        settings.credential_key,
        settings.credential_old_keys,
        settings.public_url,
        settings.port,
        settings.issuer_name,
    )
    credentials = Credentials(places, awards, known, schemes, keys, salt_key=salt_key)
    service.provide(credentials, StatusLists(places))


async def _wire_ceremonies(
    service: Service[AwardsSettings],
    known: KnownStore,
    schemes: SchemeStore,
    awards: AwardStore,
    names: NameStore,
) -> tuple[CeremonyStore, ArrivalStore]:
    ceremonies, arrivals = CeremonyStore(service.database), ArrivalStore(service.database)
    await ceremonies.prepare()
    await arrivals.prepare()
    if service.serves_http:
        scripts = Scripts(ceremonies, awards, schemes, known, arrivals, names)
        handing = HandingOver(ceremonies, awards, known, arrivals)
        service.provide(ceremonies, scripts, handing, Putting(ceremonies, schemes, known))
    if service.runs_background:
        service.consume(*ceremonies_handlers.subscriptions(arrivals, known))
    return ceremonies, arrivals


def assemble(settings: AwardsSettings) -> FastAPI:
    """The service's app."""
    return build(
        settings,
        wire,
        name="awards",
        database=settings.database,
        title="Kepu Week: awards",
        description="Schemes, awards and their codes.",
        routers=[
            schemes_api.routes,
            # Before `/awards/{award_code}`, of which its path would be one.
            statistics_api.routes,
            issuing_api.routes,
            issued_api.routes,
            following_api.routes,
            credentials_api.routes,
            documents_api.routes,
            proposals_api.routes,
            draws_api.routes,
            selections_api.routes,
            judging_api.routes,
            choosing_api.routes,
            ceremonies_api.routes,
            life_api.routes,
            winners_api.routes,
        ],
        chinese=(
            known_wording.CHINESE
            | schemes_wording.CHINESE
            | issued_wording.CHINESE
            | issuing_wording.CHINESE
            | following_wording.CHINESE
            | credentials_wording.CHINESE
            | documents_wording.CHINESE
            | objections_wording.CHINESE
            | proposals_wording.CHINESE
            | draws_wording.CHINESE
            | selections_wording.CHINESE
            | judging_wording.CHINESE
            | choosing_wording.CHINESE
            | ceremonies_wording.CHINESE
            | winners_wording.CHINESE
            | statistics_wording.CHINESE
        ),
    )


if __name__ == "__main__":
    settings = read(AwardsSettings)
    serve(assemble(settings), settings)
