"""The quiz service put together: role api starts and takes in, role worker grades, closes and relays."""

import socket
from contextlib import AsyncExitStack

from fastapi import FastAPI
from pydantic import Field, SecretStr

from services.quiz.attempts.hot import Sitting, results_gathered, starts_gathered
from services.quiz.attempts.intake import Intake
from services.quiz.attempts.tokens import AttemptTokens
from services.quiz.closing.close import Closer
from services.quiz.grading.handlers import Grading, subscriptions
from services.quiz.quizzes.api import router
from services.quiz.quizzes.catalogue import offering
from services.quiz.serving import QuizApi
from services.quiz.standings.ranks import Ranks
from services.quiz.standings.upkeep import Upkeep
from services.quiz.store import QuizStore
from services.quiz.wording import CHINESE
from shared.messaging.consuming import consuming
from shared.messaging.publisher import publishing
from shared.runtime import clock
from shared.runtime.background import looping
from shared.runtime.settings import Settings, read
from shared.storage import mongo
from shared.storage.outbox import relaying
from shared.web.app import create_app, serve
from shared.web.health import Check
from shared.web.tokens import TokenVerifier


class QuizSettings(Settings):
    """What quiz is configured by."""

    database: str = Field("kepu_quiz", description="name of quiz's own database")
    attempt_key: SecretStr = Field(min_length=32, description="secret that attempt tokens are signed with")


def assemble(settings: QuizSettings) -> FastAPI:
    """The service's app."""

    async def lifespan(app: FastAPI, stack: AsyncExitStack) -> dict[str, Check]:
        database = await stack.enter_async_context(mongo.connect(settings.mongo, settings.database))
        publisher = await stack.enter_async_context(publishing(settings.kafka, "kepu-quiz"))
        store = QuizStore(database)
        await store.prepare()
        catalogue = await stack.enter_async_context(offering(store))
        checks: dict[str, Check] = {
            "mongo": lambda: mongo.ping(database),
            "kafka": publisher.ping,
            "quizzes": catalogue.loop.check,
        }
        if settings.role != "worker":
            tokens = AttemptTokens(settings.attempt_key.get_secret_value())
            intake = Intake(tokens, catalogue, publisher)
            verifier: TokenVerifier = app.state.tokens
            app.state.sitting = sitting = Sitting(
                catalogue,
                tokens,
                intake,
                lambda token: verifier.verify(token, clock.now()),
                starts_gathered(store),
                results_gathered(store),
            )
            app.state.hot_routes += sitting.routes()
            app.state.quiz = QuizApi(store, catalogue, Ranks(store.standings))
        if settings.role != "api":
            grading = Grading(store, catalogue, publisher)
            consumers = await stack.enter_async_context(
                consuming(settings.kafka, subscriptions(grading), publisher, instance=settings.instance)
            )
            owner = f"{socket.gethostname()}-{settings.instance or settings.port}"
            relay = await stack.enter_async_context(relaying(database, publisher, owner=owner))
            closer = Closer(store, catalogue, settings.kafka, grading.grade_rest)
            upkeep = Upkeep(store, catalogue)
            await stack.enter_async_context(looping(closer.loop, upkeep.loop))
            checks |= {f"consumer {consumer.group}": consumer.check for consumer in consumers}
            checks |= {"relay": relay.check, "closing": closer.loop.check, "upkeep": upkeep.loop.check}
        return checks

    app = create_app(
        "quiz",
        title="Kepu Week: quiz",
        description="Question banks, quizzes, attempts, results and standings.",
        settings=settings,
        lifespan=lifespan,
        chinese=CHINESE,
    )
    if settings.role != "worker":
        app.include_router(router())
    return app


if __name__ == "__main__":
    settings = read(QuizSettings)
    serve(assemble(settings), settings)
