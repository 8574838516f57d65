"""One person's way through a deployment: a place, the mail with the code, the quiz, the inbox."""

import json
import re
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import httpx

SESSION, QUIZ = "first-aid-0525", "puyang-2023-contest"
CODE = re.compile(r"\b[0-9A-Z]{4}-[0-9A-Z]{4}\b")
SECONDS_MAX = 60.0
T = TypeVar("T")


def until(look: Callable[[], T | None], seconds: float = SECONDS_MAX) -> T:
    """
    What `look` finds, as soon as it finds something. It may fail until then.

    Raises:
        AssertionError: it found nothing in time.
    """
    deadline = time.monotonic() + seconds
    while True:
        found, why = None, "nothing"
        try:
            found = look()
        except (httpx.TransportError, OSError) as error:
            why = repr(error)
        if found:
            return found
        assert time.monotonic() < deadline, f"not found within {seconds} s: {why}"
        time.sleep(0.25)


@dataclass(frozen=True, slots=True)
class Address:
    """
    Where a deployment is.

    Args:
        public: the proxy's address for the public; services are below paths there.
        authority: the certificate that signed the proxy's.
        mail: the catcher of mails.
    """

    public: str
    authority: Path
    mail: str

    def client(self) -> httpx.Client:
        trusting = ssl.create_default_context(cafile=str(self.authority))
        return httpx.Client(base_url=self.public, verify=trusting, timeout=40)


def play(address: Address) -> str:
    """
    Play one person, who gets a place, a result and messages.

    Returns: the participant's id.
    Raises:
        AssertionError: something was refused, or did not come.
    """
    email = f"person-{uuid4().hex[:12]}@example.org"
    with address.client() as client:
        _open_pages(client)
        me = _register(client, email)
        token = _verified(client, me["participant_id"], address.mail, email)
        _sit(client, token)
        kinds = until(lambda: _kinds_of_inbox(client, token))
        assert {"registration_held", "registration_confirmed"} & kinds, kinds
        participant_id: str = me["participant_id"]
        return participant_id


def _open_pages(client: httpx.Client) -> None:
    page = client.get("/contest")
    assert page.is_success, page.text
    assets = re.findall(r"/assets/[^\"]+", page.text)
    assert assets
    for one in assets:
        assert "immutable" in client.get(one).raise_for_status().headers["cache-control"]
    # What stood on paper before there were pages.
    printed = client.get("/awards/verify/KW-7Q2MA-X4D0P?version=1", headers={"Accept": "text/html"})
    assert printed.headers["location"].startswith("/verify?code=KW-7Q2MA-X4D0P&version=1")
    assert until(lambda: _good(client.get("/registration/activities")))


def _register(client: httpx.Client, email: str) -> dict[str, Any]:
    body = {"session_id": SESSION, "participant": {"name": "李小明", "email": email, "district": "华龙区"}}
    headers = {"Idempotency-Key": uuid4().hex}

    return until(lambda: _good(client.post("/api/registration/registrations", json=body, headers=headers)))


def _verified(client: httpx.Client, participant_id: str, mail: str, email: str) -> str:
    code = until(lambda: _code_mailed(mail, email))
    answer = until(
        lambda: _good(
            client.post(f"/api/registration/sign-ins/{participant_id}/confirmations", json={"code": code})
        )
    )
    token: str = answer["token"]
    return token


def _sit(client: httpx.Client, token: str) -> None:
    bearer = {"Authorization": f"Bearer {token}"}
    attempt = until(lambda: _good(client.post(f"/api/quiz/quizzes/{QUIZ}/attempts", headers=bearer)))
    answers = {"answers": {question["id"]: "A" for question in attempt["questions"]}}
    own = {"Authorization": f"Bearer {attempt['attempt_token']}"}
    url = f"/api/quiz/attempts/{attempt['attempt_id']}"
    until(lambda: _good(client.post(f"{url}/submission", json=answers, headers=own)))

    def graded() -> bool:
        said = _good(client.get(f"{url}/result", headers=bearer))
        return said is not None and said["status"] in ("received", "graded")

    until(graded)


def _kinds_of_inbox(client: httpx.Client, token: str) -> set[str]:
    said = _good(client.get("/api/notifications/inbox", headers={"Authorization": f"Bearer {token}"})) or {}
    return {message["kind"] for message in said.get("messages", [])}


def _good(answer: httpx.Response) -> dict[str, Any] | None:
    if answer.is_success:
        found: dict[str, Any] = answer.json()
        return found
    # While a server is away, the request is sent again.
    assert answer.status_code in (502, 503, 504), (answer.request.url.path, answer.status_code, answer.text)
    return None


def mails_of(mail: str) -> list[dict[str, Any]]:
    """The mails that were caught, the newest first."""
    answer = httpx.get(f"{mail}/api/v1/messages?limit=1000", timeout=10).json()
    found: list[dict[str, Any]] = answer["messages"]
    return found


def _code_mailed(mail: str, email: str) -> str | None:
    for one in mails_of(mail):
        if one["To"][0]["Address"] == email:
            text = httpx.get(f"{mail}/api/v1/message/{one['ID']}", timeout=10).json()["Text"]
            if found := CODE.search(text):
                return found[0]
    return None


def keep_mails(mail: str, file: Path) -> None:
    """Write what the audit reads of the mails."""
    lines = [json.dumps({"message_id": one["MessageID"]}) for one in mails_of(mail)]
    file.write_text("".join(f"{line}\n" for line in lines))
