"""The quiz service put together: role api answers, role worker grades, closes and publishes."""

from fastapi import FastAPI
from pydantic import Field, SecretStr

from services.quiz.attempts import hot
from services.quiz.attempts import wording as attempts_wording
from services.quiz.attempts.hot import AttemptEndpoints, grouped_outcomes
from services.quiz.attempts.intake import Intake
from services.quiz.attempts.start import grouped_starts
from services.quiz.attempts.tokens import AttemptTokens
from services.quiz.attempts.traces import Tracer
from services.quiz.bank import api as bank_api
from services.quiz.bank import wording as bank_wording
from services.quiz.bank.change import BankChanges
from services.quiz.bank.export import Exports
from services.quiz.bank.import_questions import QuestionImports
from services.quiz.bank.store import BankStore
from services.quiz.bank.turns import BankTurns
from services.quiz.closing import api as closing_api
from services.quiz.closing.close import Closer
from services.quiz.closing.revise import Reviser
from services.quiz.closing.tell import LEASE as TELLING
from services.quiz.closing.tell import Teller
from services.quiz.disqualified import wording as disqualified_wording
from services.quiz.disqualified.store import grouped_looks
from services.quiz.disqualifying import api as disqualifying_api
from services.quiz.disqualifying import wording as disqualifying_wording
from services.quiz.disqualifying.decide import Decisions
from services.quiz.disqualifying.settle import Settler
from services.quiz.divisions import api as divisions_api
from services.quiz.divisions import wording as divisions_wording
from services.quiz.divisions.boards import Boards
from services.quiz.divisions.compute import LOOP as DIVISIONS
from services.quiz.divisions.compute import Builder
from services.quiz.divisions.export import BoardFiles
from services.quiz.divisions.freezing import routes as freezing_routes
from services.quiz.drafts import api as drafts_api
from services.quiz.drafts import wording as drafts_wording
from services.quiz.drafts.edit import Drafts
from services.quiz.drafts.trial import Trials
from services.quiz.erasure.sweep import Sweeper
from services.quiz.fair_play import api as fair_play_api
from services.quiz.fair_play import wording as fair_play_wording
from services.quiz.fair_play.examination import Reads
from services.quiz.fair_play.examine import LOOP as FAIR_PLAY
from services.quiz.fair_play.examine import Examiner
from services.quiz.formats import wording as formats_wording
from services.quiz.grading.grade import Grader
from services.quiz.grading.grade_waiting import WaitingGrader
from services.quiz.grading.handlers import ParticipantHandler, SubmissionHandler, subscriptions
from services.quiz.grading.moved import Moved
from services.quiz.grading.refuse import Refuse
from services.quiz.lifecycle import api as lifecycle_api
from services.quiz.lifecycle import wording as lifecycle_wording
from services.quiz.lifecycle.alter import Alterations
from services.quiz.lifecycle.cancel import Cancelling
from services.quiz.lifecycle.notify import LOOP as CANCELLING
from services.quiz.lifecycle.notify import Notifier
from services.quiz.lifecycle.remove import Removals
from services.quiz.literacy import api as literacy_api
from services.quiz.literacy import wording as literacy_wording
from services.quiz.literacy.compute import LOOP as LITERACY
from services.quiz.literacy.compute import Counter
from services.quiz.live import api as live_api
from services.quiz.live.board import StandingsBoards
from services.quiz.participants import wording as participants_wording
from services.quiz.participants.erased import Erased
from services.quiz.quizzes import api as quizzes_api
from services.quiz.quizzes import wording as quizzes_wording
from services.quiz.quizzes.catalogue import Catalogue
from services.quiz.quizzes.turns import DefinitionTurns
from services.quiz.regrading import api as regrading_api
from services.quiz.regrading import wording as regrading_wording
from services.quiz.regrading.correct import Corrections
from services.quiz.regrading.preview import LOOP as PREVIEWS
from services.quiz.regrading.preview import Previewer
from services.quiz.regrading.regrade import LOOP as REGRADING
from services.quiz.regrading.regrade import Regrader
from services.quiz.regrading.store import PreviewStore
from services.quiz.review import api as review_api
from services.quiz.saving import hot as saving_hot
from services.quiz.saving import wording as saving_wording
from services.quiz.saving.hand_in import HandIn, Looking
from services.quiz.saving.handlers import SavedHandler
from services.quiz.saving.handlers import subscriptions as saving_subscriptions
from services.quiz.saving.hot import SavedEndpoints
from services.quiz.saving.log_states import KeptSaves
from services.quiz.saving.save import Saves
from services.quiz.scoreboard import api as scoreboard_api
from services.quiz.scoreboard.board import Scoreboards
from services.quiz.standings import api as standings_api
from services.quiz.standings import wording as standings_wording
from services.quiz.standings.aliases import Aliases
from services.quiz.standings.export import StandingFiles
from services.quiz.standings.ranks import Ranks
from services.quiz.standings.upkeep import Upkeep
from services.quiz.statistics import api as statistics_api
from services.quiz.statistics.compute import LOOP as STATISTICS
from services.quiz.statistics.compute import Statistician
from services.quiz.statistics.watch import KeyWatch
from services.quiz.wiring.parts import Parts
from services.quiz.wiring.stores import Stores
from shared.runtime.settings import Settings, read
from shared.service import Service, build
from shared.storage.lease import Lease
from shared.web.app import serve


class QuizSettings(Settings):
    """The settings of quiz."""

    database: str = Field("kepu_quiz", description="name of quiz's own database")
    attempt_key: SecretStr = Field(min_length=32, description="secret that signs attempt tokens")


async def wire(service: Service[QuizSettings]) -> None:
    """Put the service's rooms together."""
    stores = Stores.of(service.database)
    await stores.prepare()
    publisher = await service.publisher()
    parts = Parts(stores, Erased(stores.participants), Catalogue(stores.quizzes), publisher)
    await parts.erased.refresh()
    await parts.catalogue.refresh()
    service.run(parts.erased.loop, parts.catalogue.loop, stores.off_roster.loop)
    if service.serves_http:
        _answer(service, parts)
    if service.runs_background:
        _hand_in_and_close(service, parts, _consume(service, parts))
        _count_and_grade_again(service, parts)


def _answer(service: Service[QuizSettings], parts: Parts) -> None:
    """What role api answers."""
    stores, erased, catalogue, publisher = parts
    tokens = AttemptTokens(attempt_key := service.settings.attempt_key.get_secret_value())
    intake = Intake(tokens, catalogue, erased, publisher)
    endpoints = AttemptEndpoints(
        catalogue,
        erased,
        tokens,
        intake,
        lambda token: stores.off_roster.said_now(service.participant_of(token)),
        grouped_starts(stores.quizzes, stores.attempts, stores.results),
        grouped_outcomes(stores.attempts, stores.results),
        grouped_looks(disqualified := stores.disqualified),
        Tracer(attempt_key),
    )
    saves = SavedEndpoints(intake, Saves(intake, catalogue, erased, publisher), erased, stores.saved)
    service.answer(*endpoints.routes(), *saves.routes())
    service.provide(catalogue, erased, stores.quizzes, stores.standings, stores.results, stores.attempts)
    service.provide(stores.statistics, stores.regradings, previews := PreviewStore(service.database))
    service.provide(stores.literacy)
    service.provide(ranks := Ranks(stores.standings), aliases := Aliases(attempt_key), *_around(stores.bank))
    service.provide(StandingsBoards(catalogue, ranks, aliases), Scoreboards(catalogue, ranks, aliases))
    service.provide(StandingFiles(stores.standings, aliases))
    service.provide(stores.divisions, boards := Boards(stores.divisions))
    service.provide(BoardFiles(stores.divisions, boards, aliases, erased))
    service.provide(disqualified, _decisions(service, parts))
    service.provide(stores.flags)
    service.provide(Corrections(stores.quizzes, catalogue, stores.regradings, previews))
    service.provide(
        stores.drafts, Drafts(stores.drafts, stores.quizzes), Trials(stores.drafts, stores.quizzes)
    )
    service.provide(DefinitionTurns())
    service.provide(Alterations(stores.quizzes, stores.changes, catalogue))
    named = stores.flags, stores.statistics, stores.literacy, stores.divisions, previews
    service.provide(Removals(stores.quizzes, stores.changes, catalogue, disqualified, erased, named))
    service.provide(Cancelling(stores.quizzes, stores.changes, stores.cancellations, catalogue))


def _consume(service: Service[QuizSettings], parts: Parts) -> WaitingGrader:
    """What role worker consumes; returns what grades those who have waited."""
    stores, erased, catalogue, publisher = parts
    grader = Grader(catalogue, stores.results)
    refuse = Refuse(stores.attempts, stores.results, stores.waiting)
    waiting_grader = WaitingGrader(
        grader, catalogue, stores.waiting, stores.participants, erased, publisher, stores.attempts
    )
    submissions = SubmissionHandler(
        grader,
        waiting_grader,
        catalogue,
        erased,
        quizzes=stores.quizzes,
        results=stores.results,
        participants=stores.participants,
        waiting=stores.waiting,
        moved=Moved(service.kafka, publisher.partitions_of),
    )
    profiles = ParticipantHandler(
        stores.participants, waiting_grader, service.ended_tokens, stores.off_roster
    )
    service.consume(*subscriptions(submissions, profiles, refuse))
    service.consume(*saving_subscriptions(SavedHandler(stores.saved, stores.quizzes, catalogue, erased)))
    return waiting_grader


def _hand_in_and_close(service: Service[QuizSettings], parts: Parts, waiting_grader: WaitingGrader) -> None:
    """What role worker does until results are final, and when they change afterwards."""
    stores, erased, catalogue, publisher = parts
    quizzes, results, standings, saved = stores.quizzes, stores.results, stores.standings, stores.saved
    attempts, waiting, disqualified, flags = (
        stores.attempts,
        stores.waiting,
        stores.disqualified,
        stores.flags,
    )
    telling, cancelling = _leases(service, TELLING, CANCELLING)
    kafka = service.kafka
    teller = Teller(quizzes, results, catalogue, erased, publisher, telling)
    looking, kept = Looking(saved, attempts, results, waiting), KeptSaves(kafka)
    swept = catalogue, stores.participants, waiting, saved, results, standings
    service.run(
        HandIn(looking, quizzes, catalogue, erased, publisher, kept).loop,
        Closer(quizzes, standings, catalogue, waiting_grader, teller, saved, disqualified, kafka).loop,
        Reviser(quizzes, standings, catalogue).loop,
        Settler(service.database, disqualified, results, stores.statistics, catalogue).loop,
        Notifier(stores.cancellations, attempts, results, erased, publisher, cancelling).loop,
        Upkeep(standings).loop,
        Sweeper(*swept, disqualified, attempts, flags, stores.divisions).loop,
    )


def _count_and_grade_again(service: Service[QuizSettings], parts: Parts) -> None:
    """What role worker reads all results for: one worker at a time, with rests."""
    stores, erased, catalogue, _ = parts
    results, standings, disqualified = stores.results, stores.standings, stores.disqualified
    people, statistics, previews = stores.participants, stores.statistics, PreviewStore(service.database)
    loops = STATISTICS, PREVIEWS, REGRADING, LITERACY, FAIR_PLAY, DIVISIONS
    reading, previewing, regrading, counting, examining, building = _leases(service, *loops)
    divided = stores.divisions, standings, people, disqualified, catalogue
    reads = Reads(results, stores.attempts, people, catalogue, erased)
    again = stores.regradings, stores.quizzes, results, statistics, catalogue, erased, disqualified
    service.run(
        Statistician(statistics, results, catalogue, erased, disqualified, reading).loop,
        KeyWatch(statistics, results, catalogue).loop,
        Examiner(stores.flags, reads, examining).loop,
        Counter(stores.literacy, standings, people, catalogue, counting).loop,
        Builder(*divided, building).loop,
        Previewer(previews, results, standings, catalogue, erased, disqualified, previewing).loop,
        Regrader(*again, regrading).loop,
    )


def _decisions(service: Service[QuizSettings], parts: Parts) -> Decisions:
    stores, erased, catalogue, _ = parts
    people = stores.participants
    return Decisions(service.database, stores.disqualified, stores.results, people, catalogue, erased)


def _around(bank: BankStore) -> tuple[object, ...]:
    turns = BankTurns()
    return bank, turns, BankChanges(bank), QuestionImports(bank, turns), Exports(bank, turns)


def _leases(service: Service[QuizSettings], *names: str) -> list[Lease]:
    return [Lease(service.database, name, owner=service.settings.instance or name) for name in names]


def assemble(settings: QuizSettings) -> FastAPI:
    """The service's app."""
    return build(
        settings,
        wire,
        name="quiz",
        database=settings.database,
        title="Kepu Week: quiz",
        description="Question banks, quizzes, attempts, results and standings.",
        routers=[
            standings_api.routes,
            live_api.routes,
            scoreboard_api.routes,
            quizzes_api.routes,
            bank_api.routes,
            review_api.routes,
            closing_api.routes,
            statistics_api.routes,
            literacy_api.routes,
            divisions_api.routes,
            freezing_routes,
            regrading_api.routes,
            disqualifying_api.routes,
            drafts_api.routes,
            lifecycle_api.routes,
            fair_play_api.routes,
        ],
        hot=(*hot.ENDPOINTS, *saving_hot.ENDPOINTS),
        chinese=(
            participants_wording.CHINESE
            | quizzes_wording.CHINESE
            | saving_wording.CHINESE
            | standings_wording.CHINESE
            | attempts_wording.CHINESE
            | bank_wording.CHINESE
            | formats_wording.CHINESE
            | literacy_wording.CHINESE
            | divisions_wording.CHINESE
            | regrading_wording.CHINESE
            | disqualified_wording.CHINESE
            | disqualifying_wording.CHINESE
            | fair_play_wording.CHINESE
            | drafts_wording.CHINESE
            | lifecycle_wording.CHINESE
        ),
    )


if __name__ == "__main__":
    settings = read(QuizSettings)
    serve(assemble(settings), settings)
