"""A quiz says whom it needs, and a refusal what to do next."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from services.quiz.attempts.rules import check_admitted
from services.quiz.participants.off_roster import OffRoster
from services.quiz.quizzes.record import QuizRecord
from services.quiz.quizzes.rules import Quiz, QuizId
from shared.contracts.events import Admits
from shared.runtime.errors import Forbidden
from shared.web.tokens import TokenVerifier
from tests.quiz.builders import joined, people, quiz, service
from tests.quiz.http import put
from tests.quiz.parts import new_parts
from tests.support.service import SIGNER, TOKEN_PUBLIC_KEY, bearer, code_of, in_outbox
from tests.support.waiting import eventually


@pytest.mark.parametrize(
    ("admits", "verified", "on_roster", "code"),
    [
        ("anyone", False, False, None),
        ("verified", False, False, "quiz_for_confirmed"),
        ("verified", True, False, None),
        ("roster", True, False, "quiz_for_roster"),
        ("roster", True, True, None),
    ],
)
def test_whom_a_quiz_admits(admits: Admits, verified: bool, on_roster: bool, code: str | None) -> None:
    of = quiz(admits=admits)
    record = QuizRecord(QuizId("one"), of, "open", of.closes_at, 1)
    if code is None:
        check_admitted(record, verified=verified, on_roster=on_roster)
        return
    with pytest.raises(Forbidden, match="sign in") as refused:
        check_admitted(record, verified=verified, on_roster=on_roster)
    assert refused.value.code == code


def test_a_definition_that_says_nothing_admits_anyone_and_an_open_one_keeps_what_it_says() -> None:
    said = quiz().model_dump(mode="json", exclude={"admits"})
    assert Quiz.model_validate(said).admits == "anyone"
    assert not quiz(admits="verified").keeps_to(quiz())


async def start(client: httpx.AsyncClient, *, verified: bool, on_roster: bool = False) -> httpx.Response:
    token = SIGNER.sign("wang", None, None, datetime.now(UTC), verified=verified, on_roster=on_roster)
    return await client.post("/quizzes/one/attempts", headers=bearer(token))


@pytest.mark.stack
async def test_nobody_starts_whom_the_quiz_does_not_admit(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        assert (await put(client, "one", quiz(admits="roster"))).json()["admits"] == "roster"
        assert code_of(await start(client, verified=False)) == (403, "quiz_for_roster")
        assert code_of(await start(client, verified=True)) == (403, "quiz_for_roster")
        assert await database["attempts"].count_documents({}) == 0
        assert (await start(client, verified=True, on_roster=True)).status_code == 201
        assert '"admits":"roster"' in (await in_outbox(database, "quiz.published"))[0]


@pytest.mark.stack
async def test_a_quiz_for_people_with_a_confirmed_email_takes_a_token_of_a_sign_in(mongo: str) -> None:
    async with service(mongo) as ([client], _):
        await put(client, "one", quiz(admits="verified"))
        refused = await start(client, verified=False)
        assert code_of(refused) == (403, "quiz_for_confirmed")
        assert "POST /sign-ins" in refused.json()["detail"]
        assert (await start(client, verified=True)).status_code == 201


@pytest.mark.stack
async def test_what_a_token_says_of_a_roster_that_somebody_has_left_lets_nobody_in(
    kafka: str, mongo: str
) -> None:
    async with new_parts(kafka, mongo) as parts:
        keep = parts.grading.keep_participants
        now = datetime.now(UTC)
        left_at = now.replace(microsecond=0) + timedelta(seconds=1)
        gone = joined("wang", group_id=None, version=2).model_copy(update={"roster_from": left_at})
        await keep(people(joined("wang"), gone))
        # An earlier event that comes late changes nothing.
        await keep(people(joined("wang")))
        off_roster = OffRoster(parts.stores.database)
        await off_roster.prepare()

        def said(at: datetime, who: str = "wang") -> tuple[bool, str | None, str | None]:
            token = SIGNER.sign(who, "school-1", "范县", at, verified=True, on_roster=True)
            held = off_roster.said_now(TokenVerifier(TOKEN_PUBLIC_KEY).verify(token, now))
            return held.on_roster, held.group_id, held.district

        assert said(now) == (False, None, None)
        assert said(left_at) == (True, "school-1", "范县")
        assert said(now, "li") == (True, "school-1", "范县")


@pytest.mark.stack
async def test_a_quiz_for_rosters_asks_what_holds_now(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await put(client, "one", quiz(admits="roster"))
        left_at = datetime.now(UTC) + timedelta(hours=1)
        gone = joined("wang", group_id=None).model_copy(update={"roster_from": left_at})
        await OffRoster(database).keep([gone])

        async def is_refused() -> bool:
            return (await start(client, verified=True, on_roster=True)).status_code == 403

        await eventually(is_refused)
        assert code_of(await start(client, verified=True, on_roster=True)) == (403, "quiz_for_roster")
