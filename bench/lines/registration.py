"""
A scarce activity: 10,000 newcomers ask for one of 500 places at once. All others go on the waiting list.

Closed loop. Afterwards the stored registrations are checked: not more people have a place than there are
places, and the places went to those who asked first. (All requests have one sender, so they are decided in
the order of asking.)
"""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.bench import Bench, clean, failures, latency_figures
from bench.contest import http_request, person_of
from bench.load.client import Plan, requests_file
from bench.measure import Meter, microseconds_each
from bench.report import Outcome
from ops.week.load import Piece, put
from shared.storage import mongo

TITLE = "newcomers ask for places of one session, closed loop"
CAPACITY_SHARE = 20
CONNECTIONS = 256
RATE_WANTED = 1_000.0
ACTIVITY = "bench-observatory"
SECONDS_MAX = 120.0


def run(bench: Bench) -> Outcome:
    """Measure the line."""
    outcome = Outcome("registration", TITLE)
    count = bench.size(10_000, 200)
    capacity = count // CAPACITY_SHARE
    variant = f"{count:,} people, {capacity} places"
    oversold = disorder = 0
    with clean(bench, contest=False):
        with bench.lab.running("registration"):
            put_activity(bench, capacity, count)
            for round_ in range(bench.size(-1, 0), bench.rounds):
                bench.tell("warming up" if round_ < 0 else f"run {round_ + 1} of {bench.rounds}")
                session = session_of(round_)
                requests = write_requests(bench, session, count)
                with Meter(bench.lab.pids("registration")) as meter:
                    load = bench.load(
                        Plan(
                            targets=(bench.lab.target("registration"),),
                            requests=requests,
                            connections=CONNECTIONS,
                            seconds=SECONDS_MAX,
                        )
                    )
                requests.unlink()
                if failed := failures(load):
                    outcome.problems.append(f"{failed} requests failed: {load.steps['request'].by_status}")
                beyond, wrong = asyncio.run(_looked_at(bench, session, capacity))
                oversold, disorder = oversold + beyond, disorder + wrong
                if round_ >= 0:
                    each = microseconds_each(meter.cpu_seconds(), count)
                    outcome.add(
                        variant,
                        {
                            "registrations/s": load.rate,
                            **latency_figures(load, "request"),
                            **{f"CPU of {name}, µs each": value for name, value in each.items()},
                        },
                    )
            bench.tell("coming to rest")
            bench.lab.settle({"registration-requests"})
        bench.audit(outcome, ["registration"])
    outcome.require("registrations/s", outcome.median(variant, "registrations/s"), ">=", RATE_WANTED)
    outcome.require("oversold places", oversold, "=", 0)
    outcome.require("out of the order of asking", disorder, "=", 0)
    if oversold or disorder:
        outcome.problems.append(f"{oversold} places oversold, {disorder} out of order")
    return outcome


def session_of(round_: int) -> str:
    return f"bench-night-{round_ + 1}"


def put_activity(bench: Bench, capacity: int, waiting_max: int) -> None:
    starts_at = datetime.now(UTC) + timedelta(days=1)
    session = {
        "starts_at": starts_at.isoformat(),
        "ends_at": (starts_at + timedelta(hours=2)).isoformat(),
        "venue": "濮阳市天文台",
        "district": "华龙区",
        "capacity": capacity,
        "waiting_max": waiting_max,
    }
    activity = {
        "title": "天文台之夜",
        "organiser": "濮阳市科学技术局",
        "kind": "open_day",
        "sessions": [{"session_id": session_of(round_), **session} for round_ in range(-1, bench.rounds)],
    }
    piece = Piece("the activity", "registration", f"/activities/{ACTIVITY}", activity)
    put(piece, bench.lab.services.apis)


def write_requests(bench: Bench, session: str, count: int) -> Path:
    path = bench.file(f"requests-{session}")
    requests_file(path, (_request(session, number) for number in range(count)))
    return path


def _request(session: str, number: int) -> bytes:
    newcomer = {"name": f"市民{number:05d}", "email": f"{session}-{number:05d}@example.org"}
    body = json.dumps({"session_id": session, "participant": newcomer}).encode()
    key = person_of(session, number)
    return http_request("/registrations", body, more=f"Idempotency-Key: {key}\r\n".encode())


async def _looked_at(bench: Bench, session: str, capacity: int) -> tuple[int, int]:
    """How many places are oversold, and how many registrations have not the status of their turn."""
    async with mongo.connect(bench.lab.stack.mongo, "kepu_registration") as database:
        wanted = {"status": 1, "places": 1, "sequence": 1}
        found = await database["registrations"].find({"session_id": session}, wanted).to_list(None)
    in_order = sorted(found, key=lambda one: one["sequence"])
    held = sum(one["places"] for one in found if one["status"] == "confirmed")
    wrong = sum(
        one["status"] != ("confirmed" if place < capacity else "waitlisted")
        for place, one in enumerate(in_order)
    )
    return max(0, held - capacity), wrong
