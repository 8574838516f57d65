"""
People who take part over HTTP while everything breaks. What each asked, and was told, goes into the history.

They come at a steady rate, and none waits for another one. A request without an answer is sent again with the
same key, as real clients do, at the next copy of the service.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, TypeAlias
from uuid import uuid4

import httpx

from ops.chaos.history import Begun, History
from ops.chaos.scene import HALL, PLAQUE_ID, QUIZ_ID, lab_of

Json: TypeAlias = dict[str, Any]

ANSWER_SECONDS_MAX = 8.0
# After this time somebody gives up, and what was asked is unknown.
ASKING_SECONDS_MAX = 60.0
AGAIN_SECONDS = 0.3
UNDER_WAY_MAX = 80
RESULT_SECONDS_MAX = 8.0
# Who cancels does so when others have booked the same small session, and some of them wait.
CANCEL_AFTER_SECONDS = 4.0
# Refusals of another moment: 425 and 429.
AGAIN = (HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS)
# An organiser confers a plaque on each of so many people.
CONFER_EVERY = 20


class NoAnswer(Exception):
    """Nobody has answered in time, or the request was refused: the person goes home."""


@dataclass(slots=True)
class People:
    """
    Everybody who comes.

    Attributes:
        urls: of each service, the addresses of its copies.
        right: the right letters of each question, for those who pass.
        organiser_key: of somebody who confers plaques.
    """

    http: httpx.AsyncClient
    urls: Mapping[str, Sequence[str]]
    history: History
    right: Mapping[str, str]
    organiser_key: str
    _first: dict[str, int] = field(default_factory=dict)

    async def one(self, number: int) -> None:
        """One person: books, and then cancels, looks again, or takes the quiz."""
        in_lab = number % 2 == 0
        try:
            booked, token = await self._book(number, lab_of(number) if in_lab else HALL)
            if in_lab:
                if number % 3 == 0:
                    await asyncio.sleep(CANCEL_AFTER_SECONDS)
                    await self._cancel(number, booked, token)
                await self._read(number, booked, token)
            else:
                await self._sit(number, token)
                if number % CONFER_EVERY == 1:
                    await self._confer(number, booked["participant_id"])
        except NoAnswer:
            pass

    async def _book(self, number: int, session: str) -> tuple[Json, str]:
        body = {
            "session_id": session,
            "participant": {
                "name": "王芳",
                "email": f"chaos-{number:06d}@example.org",
                "district": "华龙区",
                "audience": "other",
                "language": "zh-CN",
            },
        }
        headers = {"Idempotency-Key": str(uuid4())}
        begun = self.history.invoke("book", _who(number), session=session)
        answer = await self._ask(begun, "POST", "registration", "/registrations", json=body, headers=headers)
        told = {name: answer[name] for name in ("registration_id", "participant_id", "status")}
        begun.ok(**told)
        if number % 7 == 0:
            # Again, like somebody who did not see the answer: it must be the same registration.
            begun = self.history.invoke("book", _who(number), session=session, again=True)
            again = await self._ask(
                begun, "POST", "registration", "/registrations", json=body, headers=headers
            )
            begun.ok(**{name: again[name] for name in told})
        return told, str(answer["token"])

    async def _cancel(self, number: int, booked: Json, token: str) -> None:
        path = f"/registrations/{booked['registration_id']}/cancel"
        begun = self.history.invoke("cancel", _who(number), registration_id=booked["registration_id"])
        await self._ask(begun, "POST", "registration", path, headers=_bearer(token))
        begun.ok()

    async def _read(self, number: int, booked: Json, token: str) -> None:
        path = f"/registrations/{booked['registration_id']}"
        begun = self.history.invoke("read", _who(number), registration_id=booked["registration_id"])
        answer = await self._ask(begun, "GET", "registration", path, headers=_bearer(token))
        begun.ok(status=answer["status"])

    async def _sit(self, number: int, token: str) -> None:
        attempt = await self._ask(
            None, "POST", "quiz", f"/quizzes/{QUIZ_ID}/attempts", headers=_bearer(token)
        )
        attempt_id, bearer = attempt["attempt_id"], _bearer(attempt["attempt_token"])
        answers = {
            one["id"]: self.right[one["id"]] if number % 4 == 1 else one["options"][0]["id"]
            for one in attempt["questions"]
        }
        if number % 5 == 0:
            begun = self.history.invoke("save", _who(number), attempt_id=attempt_id)
            sheet = {"answers": answers, "revision": 1}
            saved = await self._ask(
                begun, "PUT", "quiz", f"/attempts/{attempt_id}/answers", json=sheet, headers=bearer
            )
            begun.ok(revision=saved["revision"])
        begun = self.history.invoke("submit", _who(number), attempt_id=attempt_id)
        path = f"/attempts/{attempt_id}/submission"
        receipt = await self._ask(begun, "POST", "quiz", path, json={"answers": answers}, headers=bearer)
        begun.ok(receipt_id=receipt["receipt_id"])
        await self._result(number, attempt_id, token)

    async def _result(self, number: int, attempt_id: str, token: str) -> None:
        """Look for the result for a while. What somebody has seen must be published."""
        until = time.monotonic() + RESULT_SECONDS_MAX
        while time.monotonic() < until:
            found = await self._ask(
                None, "GET", "quiz", f"/attempts/{attempt_id}/result", headers=_bearer(token)
            )
            if found["status"] == "graded":
                begun = self.history.invoke("result", _who(number), attempt_id=attempt_id)
                begun.ok(points=found["points"], passed=found["passed"], receipt_id=found["receipt_id"])
                return
            await asyncio.sleep(AGAIN_SECONDS)

    async def _confer(self, number: int, participant_id: str) -> None:
        """An organiser confers a plaque. Awards stores it with its event, which the outbox publishes."""
        body = {"scheme_id": PLAQUE_ID, "recipient_id": participant_id}
        key = {"X-Organiser-Key": self.organiser_key}
        begun = self.history.invoke("confer", _who(number), recipient_id=participant_id)
        # Awards may hear of the participant a moment later.
        answer = await self._ask(
            begun, "POST", "awards", "/awards", not_yet="recipient_unknown", json=body, headers=key
        )
        begun.ok(award_id=answer["award_id"])

    async def _ask(
        self,
        begun: Begun | None,
        method: str,
        service: str,
        path: str,
        *,
        not_yet: str = "",
        **request: Any,
    ) -> Json:
        """
        Send a request until it is answered.

        Args:
            not_yet: the code of a refusal that a repeat may not get.
        Raises:
            NoAnswer: it is refused, or nobody answers; `begun` has ended.
        """
        until, unsure, last = time.monotonic() + ASKING_SECONDS_MAX, False, ""
        while time.monotonic() < until:
            urls = self.urls[service]
            at = self._first.setdefault(service, 0) % len(urls)
            try:
                answer = await self.http.request(method, urls[at] + path, **request)
            except httpx.ConnectError:
                last = "ConnectError"
            except httpx.TransportError as error:
                unsure, last = True, type(error).__name__
            else:
                if answer.is_success:
                    found: Json = answer.json()
                    return found
                code = str(answer.json().get("code"))
                if answer.is_client_error and not (code == not_yet or answer.status_code in AGAIN):
                    self._refused(begun, code, unsure=unsure)
                    raise NoAnswer(code)
                # 503 `overloaded` says that nothing was written. Of any other one nobody knows.
                unsure, last = unsure or code not in ("overloaded", not_yet), code
            self._first[service] = at + 1
            await asyncio.sleep(AGAIN_SECONDS)
        if begun is not None:
            begun.unknown(last)
        raise NoAnswer(last)

    def _refused(self, begun: Begun | None, code: str, *, unsure: bool) -> None:
        if begun is None:
            return
        if unsure:
            # An earlier try may have had an effect, or may still have one.
            begun.unknown(code)
        else:
            begun.fail(code)


def _who(number: int) -> str:
    return f"p-{number:06d}"


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def client() -> httpx.AsyncClient:
    """The client of all people, with a bounded number of connections."""
    limits = httpx.Limits(max_connections=UNDER_WAY_MAX, max_keepalive_connections=UNDER_WAY_MAX)
    return httpx.AsyncClient(timeout=ANSWER_SECONDS_MAX, limits=limits)
