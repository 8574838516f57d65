"""People read the codes in the mails of the local mail server, and verify their contacts."""

import asyncio
import json
import re
import time
from dataclasses import dataclass, field
from pathlib import Path

from ops.demo.people import Person
from ops.deployment.client import Client, UnexpectedAnswer

CODE = re.compile(r"\b[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}\b")
LOOK_SECONDS = 0.2
# The mail server and the courier may be killed meanwhile; a claim of a killed courier ends after two minutes.
MAIL_SECONDS_MAX = 240.0


@dataclass(slots=True)
class Mails:
    """The codes in the mails that the local mail server has written to its file."""

    file: Path
    _codes: dict[str, str] = field(default_factory=dict)
    _read_to: int = 0

    async def code_for(self, address: str, *, but: str | None = None) -> str:
        """
        The code in the latest mail to this address, once it is there.

        Args:
            but: a code that is used already.

        Raises:
            UnexpectedAnswer: there is none for too long.
        """
        deadline = time.monotonic() + MAIL_SECONDS_MAX
        while (code := self._codes.get(address)) is None or code == but:
            if time.monotonic() > deadline:
                raise UnexpectedAnswer(f"no mail with a code came within {MAIL_SECONDS_MAX:.0f} s")
            await asyncio.sleep(LOOK_SECONDS)
            self._read_on()
        return code

    def _read_on(self) -> None:
        if not self.file.exists():
            return
        with self.file.open("rb") as file:
            file.seek(self._read_to)
            for line in file:
                if not line.endswith(b"\n"):
                    # It is being written.
                    break
                self._read_to += len(line)
                mail = json.loads(line)
                if found := CODE.search(mail["body"]):
                    self._codes |= dict.fromkeys(mail["to"], found.group())


async def confirm(client: Client, mails: Mails, person: Person) -> None:
    """Verify a person's contact by the code that was mailed; the person has a new token then."""
    sign_ins = f"{client.apis.registration}/sign-ins"
    # A newcomer's own id is the id of the first sign-in.
    sign_in, code = person.participant_id, await mails.code_for(person.address)
    while True:
        url = f"{sign_ins}/{sign_in}/confirmations"
        again = ["sign_in_unknown", "code_wrong"]
        answer = await client.ask_for("POST", url, again, json={"code": code})
        if not isinstance(answer, str):
            person.token = answer["token"]
            return
        # A kill came between the confirmation and its answer, so the code is used: people sign in then.
        asked = await client.ask("POST", sign_ins, json={"email": person.address})
        sign_in, code = asked["sign_in_id"], await mails.code_for(person.address, but=code)
