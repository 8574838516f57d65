"""A week that strangers attack: requests from many addresses of this machine, and the mails that come."""

import json
import random
import re
from dataclasses import dataclass, field
from typing import Any, Self

import httpx

from ops.demo.mails import CODE
from ops.local.services import Services
from shared.contracts.sealing import mailbox

WAIT_SECONDS_MAX = 40.0


@dataclass
class Report:
    """
    Attributes:
        lines: what happened, in figures.
        wrong: the promises that were broken.
    """

    title: str
    lines: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Mail:
    to: str
    subject: str
    body: str


class Week:
    """Clients at any address, and what the local mail server has taken."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.apis = services.apis
        self.random = random.Random(11)  # noqa: S311 (no secret)
        self._clients: dict[str, httpx.AsyncClient] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for client in self._clients.values():
            await client.aclose()

    def at(self, address: str) -> httpx.AsyncClient:
        """A client with this address of its own, such as 127.3.0.1."""
        if address not in self._clients:
            transport = httpx.AsyncHTTPTransport(local_address=address)
            self._clients[address] = httpx.AsyncClient(transport=transport, timeout=WAIT_SECONDS_MAX)
        return self._clients[address]

    async def put(self, url: str, body: dict[str, Any]) -> None:
        """As an organiser."""
        answer = await self.at("127.0.0.1").put(url, json=body, headers=self.apis.organiser)
        assert answer.is_success, answer.text

    def mails(self) -> list[Mail]:
        """All mails that have come."""
        if not self.services.mail_file.exists():
            return []
        lines = self.services.mail_file.read_text(encoding="utf-8").splitlines()
        taken = [json.loads(line) for line in lines]
        return [Mail(to, one["subject"], one["body"]) for one in taken for to in one["to"]]

    def mails_of(self, address: str) -> list[Mail]:
        """The mails in this mailbox, whatever spelling they went to."""
        return [mail for mail in self.mails() if mailbox(mail.to) == mailbox(address)]

    def code_for(self, address: str) -> str | None:
        """The code in the latest mail."""
        found = [re.search(CODE, mail.body) for mail in self.mails_of(address)]
        return next((one.group() for one in reversed(found) if one), None)


def told(answer: httpx.Response) -> str:
    """An answer in a word: its status, and the code of a refusal."""
    return (
        str(answer.status_code) if answer.is_success else f"{answer.status_code} {answer.json().get('code')}"
    )
