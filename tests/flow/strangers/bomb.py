"""Strangers make the system write to mailboxes that are not theirs, in all ways that need no key."""

import asyncio
import time
from collections import Counter
from uuid import uuid4

import httpx

from tests.flow.strangers.week import Report, Week, told
from tests.registration.builders import activity, ask, newcomer
from tests.support.service import bearer

NAME = "中奖点这里"
SETTLED_SECONDS = 15.0
WAIT_SECONDS_MAX = 300.0


async def played(week: Week, *, mailboxes: int) -> Report:
    """Each mailbox gets at most one mail, of a fixed text; its owner gets in by what is there."""
    report = Report(f"A bomb for each of {mailboxes} mailboxes")
    await week.put(f"{week.apis.registration}/activities/bombed", activity("bombed", 10_000))
    victims = [
        f"victim.{number}@{host}" for number in range(mailboxes) for host in ("example.org", "gmail.com")
    ]
    strangers = [asyncio.create_task(_bombed(week, victim, number)) for number, victim in enumerate(victims)]
    answers: Counter[str] = Counter()
    for stranger in strangers:
        answers += await stranger
    await _until_no_mail_comes(week)
    numbers = Counter(len(week.mails_of(victim)) for victim in victims)
    report.lines.append(f"answers: {dict(answers.most_common(8))}")
    report.lines.append(f"mails in a mailbox: {dict(numbers)}")
    if max(numbers) > 1:
        report.wrong.append(f"a mailbox has got {max(numbers)} mails within an hour")
    if any(NAME in mail.body + mail.subject for mail in week.mails()):
        report.wrong.append("a mail carries a stranger's words")
    kept_out = [victim for nth, victim in enumerate(victims) if not await _gets_in(week, nth, victim)]
    report.lines.append(f"owners who were kept out: {len(kept_out)} of {len(victims)}")
    if kept_out:
        report.wrong.append("an owner was kept out of the own mailbox's participant")
    return report


async def _bombed(week: Week, victim: str, number: int) -> Counter[str]:
    """Some 60 requests in all shapes, from five addresses."""
    answers: Counter[str] = Counter()
    url = week.apis.registration
    name, at, host = victim.partition("@")
    spellings = [victim, victim.upper(), f"{name}+{number}{at}{host}", f"{name.replace('.', '')}{at}{host}"]
    if host == "gmail.com":
        spellings.append(f"{name}{at}googlemail.com")
    week.random.shuffle(spellings)
    for nth in range(12):
        client = week.at(f"127.3.{number}.{nth % 5 + 1}")
        client.base_url = url
        spelling = spellings[nth % len(spellings)]
        stranger = newcomer(NAME, email=spelling)
        answers[told(await ask(client, "bombed", participant=stranger))] += 1
        joined = await client.post("/participants", json=stranger)
        answers[told(joined)] += 1
        answers[told(await client.post("/sign-ins", json={"email": spelling}))] += 1
        answers[told(await _changes_to(client, spelling))] += 1
        if joined.is_success and nth % 3 == 2:
            token = bearer(joined.json()["token"])
            answers[told(await client.delete("/participants/me", headers=token))] += 1
    return answers


async def _changes_to(client: httpx.AsyncClient, address: str) -> httpx.Response:
    """Somebody else's contact becomes the victim's."""
    other = await client.post("/participants", json=newcomer(email=f"{uuid4().hex}@elsewhere.example.org"))
    if not other.is_success:
        return other
    return await client.patch("/me", json={"email": address}, headers=bearer(other.json()["token"]))


async def _until_no_mail_comes(week: Week) -> None:
    deadline, count, since = time.monotonic() + WAIT_SECONDS_MAX, -1, time.monotonic()
    while time.monotonic() < deadline and time.monotonic() - since < SETTLED_SECONDS:
        await asyncio.sleep(1)
        if (now := len(week.mails())) != count:
            count, since = now, time.monotonic()


async def _gets_in(week: Week, nth: int, victim: str) -> bool:
    """The owner joins or signs in, and reads the code that is there."""
    client = week.at(f"127.4.{nth}.1")
    client.base_url = week.apis.registration
    joined = await client.post("/participants", json=newcomer("我", email=victim))
    if joined.is_success:
        id_ = joined.json()["participant_id"]
    else:
        asked = await client.post("/sign-ins", json={"email": victim})
        if not asked.is_success:
            return False
        id_ = asked.json()["sign_in_id"]
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if code := week.code_for(victim):
            confirmed = await client.post(f"/sign-ins/{id_}/confirmations", json={"code": code})
            if confirmed.is_success:
                return True
        await asyncio.sleep(1)
    return False
