"""One person makes up many people, to sit a contest for prizes more often than others."""

import asyncio
from collections import Counter

import httpx

from tests.flow.strangers.week import Report, Week, told
from tests.quiz.builders import quiz
from tests.registration.builders import newcomer
from tests.support.service import bearer

CODE_SECONDS_MAX = 60


async def played(week: Week, *, identities: int) -> Report:
    """Made-up people sit nothing; all spellings of one mailbox are one participant with one attempt."""
    report = Report(f"A contest for verified people, {identities} made-up ones and one with one mailbox")
    contest = quiz(admits="verified", attempts_per_day=1)
    await week.put(f"{week.apis.quiz}/quizzes/farmed", contest.model_dump(mode="json"))
    unverified: Counter[str] = Counter()
    for number in range(identities):
        client = week.at(f"127.5.0.{number % 50 + 1}")
        joined = await client.post(f"{week.apis.registration}/participants", json=newcomer())
        unverified[told(await _start(week, client, joined.json()["token"]))] += 1
    report.lines.append(f"made-up people start: {dict(unverified)}")
    if set(unverified) != {"403 quiz_for_confirmed"}:
        report.wrong.append("somebody without a verified contact has started, or was refused in another way")
    attempts, answers = await _one_mailbox(week, spellings=20)
    report.lines.append(f"one mailbox, 20 spellings: {dict(answers)}; attempts: {len(attempts)}")
    if len(attempts) != 1:
        report.wrong.append(f"one mailbox has {len(attempts)} attempts on a day of one")
    return report


async def _one_mailbox(week: Week, *, spellings: int) -> tuple[set[str], Counter[str]]:
    """Whoever reads one mailbox joins, signs in, leaves and joins again with every spelling."""
    url = week.apis.registration
    attempts: set[str] = set()
    answers: Counter[str] = Counter()
    for number in range(spellings):
        # One address may ask for a few sign-ins only.
        client = week.at(f"127.6.{number}.1")
        address = f"farmer+{number}@example.org" if number else "farmer@example.org"
        joined = await client.post(f"{url}/participants", json=newcomer(email=address))
        answers[told(joined)] += 1
        if joined.is_success:
            id_ = joined.json()["participant_id"]
        else:
            asked = await client.post(f"{url}/sign-ins", json={"email": address})
            if not asked.is_success:
                answers[told(asked)] += 1
                continue
            id_ = asked.json()["sign_in_id"]
        token = await _confirmed(week, client, id_)
        if token is None:
            answers["no code"] += 1
            continue
        started = await _start(week, client, token)
        answers[told(started)] += 1
        if started.is_success:
            attempts.add(started.json()["attempt_id"])
        if number % 5 == 4:
            left = await client.delete(f"{url}/participants/me", headers=bearer(token))
            answers[f"left {told(left)}"] += 1
    return attempts, answers


async def _confirmed(week: Week, client: httpx.AsyncClient, sign_in_id: str) -> str | None:
    url = f"{week.apis.registration}/sign-ins/{sign_in_id}/confirmations"
    for _ in range(CODE_SECONDS_MAX if not week.mails_of("farmer@example.org") else 3):
        if code := week.code_for("farmer@example.org"):
            confirmed = await client.post(url, json={"code": code})
            if confirmed.is_success:
                return str(confirmed.json()["token"])
        await asyncio.sleep(1)
    return None


async def _start(week: Week, client: httpx.AsyncClient, token: str) -> httpx.Response:
    return await client.post(f"{week.apis.quiz}/quizzes/farmed/attempts", headers=bearer(token))
