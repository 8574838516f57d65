"""The two requests about saved answers, which come as often as those of attempts: save, and read back."""

from collections.abc import Sequence

from services.quiz.attempts.bodies import AttemptIdInPath
from services.quiz.attempts.hot import FOUND, READ_SECONDS_MAX, SUBMISSION_BYTES_MAX, WINDOW_SECONDS
from services.quiz.attempts.intake import ACCEPTED, Intake
from services.quiz.attempts.submission import encoder
from services.quiz.participants.erased import Erased
from services.quiz.saving.bodies import SavedAnswersOut, SavedIn, SavedOut
from services.quiz.saving.rules import Sheet
from services.quiz.saving.save import Saves
from services.quiz.saving.store import SavedStore
from shared.messaging.group_commit import GroupCommit
from shared.web.hot import HotRequest, HotRoute
from shared.web.hot_endpoints import HotEndpoint

SAVED_GROUP_MAX = 500
SAVED_WAITING_MAX = 4_000

SAVE = HotEndpoint(
    "PUT",
    "/attempts/{attempt_id}/answers",
    name="save_answers",
    summary="Save the answers of an attempt so far (Authorization: Bearer <attempt_token>)",
    description="""\
202 once Kafka has acknowledged. Send the whole sheet, and raise `revision` with each save: the highest
revision counts, in whatever order the saves come. Save at most once a second. Nothing is submitted by this.

Refused: `attempt_token_missing`, `attempt_token_invalid`, `participant_erased` (401),
`attempt_foreign` (403), `quiz_unknown` (404), `attempt_late`, `attempt_submitted` (409),
`submission_malformed`, `question_unknown` (422), `saves_too_fast` (429).
503 with the code `overloaded`: it was not written. Any other 503: it may be in the log or not. Send it again
with the same revision.""",
    status=ACCEPTED,
    returns=SavedOut,
    asks={"attempt_id": AttemptIdInPath},
    openapi={
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": SavedIn.model_json_schema(),
                    "example": {"answers": {"q001": "B", "q017": "ACD"}, "revision": 7},
                }
            },
        }
    },
    body_bytes_max=SUBMISSION_BYTES_MAX,
)
READ_SAVED = HotEndpoint(
    "GET",
    "/attempts/{attempt_id}/answers",
    name="read_answers",
    summary="The answers that were saved last (Authorization: Bearer <attempt_token>)",
    description="""\
For another device: start again, which gives the open attempt and its token, and read. It may be a second
behind the last save. Continue with a higher `revision`.

Refused: `attempt_token_missing`, `attempt_token_invalid`, `participant_erased` (401),
`attempt_foreign` (403).""",
    status=FOUND,
    returns=SavedAnswersOut,
    asks={"attempt_id": AttemptIdInPath},
)
ENDPOINTS = (SAVE, READ_SAVED)


class SavedEndpoints:
    """Answers the two requests."""

    def __init__(self, intake: Intake, saves: Saves, erased: Erased, saved: SavedStore) -> None:
        self._intake = intake
        self._saves = saves
        self._erased = erased

        async def look(attempt_ids: Sequence[str]) -> list[Sheet | None]:
            found = await saved.of_attempts(attempt_ids)
            return [found.get(id_) for id_ in attempt_ids]

        self._sheets: GroupCommit[str, Sheet | None] = GroupCommit(
            "saved",
            look,
            items_max=SAVED_GROUP_MAX,
            waiting_max=SAVED_WAITING_MAX,
            window_seconds=WINDOW_SECONDS,
            seconds_max=READ_SECONDS_MAX,
        )

    def routes(self) -> tuple[HotRoute, ...]:
        """What the service answers before the framework."""
        return (
            SAVE.answered_by(self._saves.save, self._intake.claims, self._saves.begin),
            READ_SAVED.answered_by(self.read),
        )

    async def read(self, request: HotRequest) -> tuple[int, bytes]:
        """The answers that were saved last."""
        claims = self._intake.claims(request.id, request.authorization)
        self._erased.check(claims.participant_id)
        sheet = await self._sheets.add(claims.attempt_id)
        answer = {
            "attempt_id": claims.attempt_id,
            "revision": sheet.revision if sheet else 0,
            "saved_at": sheet.saved_at if sheet else None,
            "answers": sheet.answers if sheet else {},
        }
        return FOUND, encoder.encode(answer)
