"""The overview of the week over HTTP, for organisers. It has numbers alone, and nothing about a person."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import Header, Query
from pydantic import BaseModel, Field

from services.overview.counting.rules import minute_of
from services.overview.counting.store import CountStore
from services.overview.watching.rules import (
    CHECKS_MAX,
    SERVICES_MAX,
    Answer,
    Problem,
    Status,
    problems_of,
    status_of,
)
from services.overview.watching.store import WatchStore
from services.overview.watching.wording import ADVICE, advice_in
from shared.contracts import topics
from shared.runtime import clock
from shared.web.identity import AsViewer
from shared.web.provided import provided
from shared.web.routes import Routes
from shared.web.wording import Language, language_of

MINUTES = 60
MINUTES_MAX = 1_440
TOPICS = len(topics.COUNTED)

Counts = Annotated[CountStore, provided(CountStore)]
Watched = Annotated[WatchStore, provided(WatchStore)]
AcceptLanguage = Annotated[str, Header(description="zh-CN or en: the language of what to do")]

routes = Routes(tags=["overview"])


class MinuteOut(BaseModel):
    at: datetime = Field(description="the beginning of the minute")
    events: dict[str, int] = Field(
        description="by topic", examples=[{"registration.confirmed": 12}], max_length=TOPICS
    )


class BehindOut(BaseModel):
    """How many events a group of consumers has not handled yet."""

    group: str = Field(examples=["quiz-grading"])
    events: int = Field(examples=[120])


class ProblemOut(BaseModel):
    problem: Problem
    check: str = Field(description="the check of `/health` that fails", examples=["consumer quiz-grading"])
    advice: str = Field(description="what it means for people, and what to do")
    runbook: str = Field(description="what the operator follows", examples=["KepuKafkaAway"])


class ServiceOut(BaseModel):
    """A service, as it says itself."""

    service: str = Field(examples=["quiz"])
    status: Status
    problems: list[ProblemOut] = Field(max_length=CHECKS_MAX)


class OverviewOut(BaseModel):
    """
    The week now. Events are counted by topic: docs/events/ says what each of them means.

    What was not seen within the last 30 seconds is null: unknown.
    """

    as_of: datetime
    newest_at: datetime | None = Field(description="when the newest event that is counted happened")
    totals: dict[str, int] = Field(
        description="events since the beginning, by topic",
        examples=[{"registration.confirmed": 3120}],
        max_length=TOPICS,
    )
    minutes: list[MinuteOut] = Field(
        description="those in which something happened, the earliest first", max_length=MINUTES_MAX + 1
    )
    behind: list[BehindOut] | None = Field(
        description="by group of consumers; that of the overview is `overview`: what is not counted yet",
        max_length=len(topics.WATCHED),
    )
    services: list[ServiceOut] | None = Field(
        description="those whose addresses the operator has given", max_length=SERVICES_MAX
    )


@routes.get("/overview", dependencies=[AsViewer], summary="The week in numbers, and what does not work")
async def read_overview(
    counts: Counts,
    watched: Watched,
    minutes: Annotated[
        int, Query(ge=1, le=MINUTES_MAX, description="how many minutes back, with the present one")
    ] = MINUTES,
    accept_language: AcceptLanguage = "",
) -> OverviewOut:
    """How many events of each topic there were, in all and minute by minute; and how the services are."""
    now = clock.now()
    found = await counts.read(minute_of(now) - timedelta(minutes=minutes - 1))
    seen = await watched.read(now)
    language = language_of(accept_language.encode("latin-1", "replace"))
    return OverviewOut(
        as_of=now,
        newest_at=found.newest_at,
        totals=dict(found.totals),
        minutes=[MinuteOut(at=one.at, events=dict(one.events)) for one in found.minutes],
        behind=None if seen.behind is None else _behind(seen.behind),
        services=None if seen.answers is None else [_service(one, language) for one in seen.answers],
    )


def _behind(groups: Mapping[str, int]) -> list[BehindOut]:
    return [BehindOut(group=group, events=groups[group]) for group in topics.WATCHED if group in groups]


def _service(answer: Answer, language: Language) -> ServiceOut:
    return ServiceOut(
        service=answer.service,
        status=status_of(answer),
        problems=[
            ProblemOut(
                problem=problem,
                check=check,
                advice=advice_in(problem, language),
                runbook=ADVICE[problem].runbook,
            )
            for problem, check in problems_of(answer)
        ],
    )
