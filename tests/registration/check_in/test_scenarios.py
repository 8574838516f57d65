"""The verdicts of an established system of tickets, and ours, in the same situations: libpretixsync.toml."""

import tomllib
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, get_args

import pytest
from msgspec.structs import replace

from services.registration.check_in.rules import Means, Scan, Verdict
from services.registration.sessions.rules import Session
from tests.registration.check_in.scenes import (
    ELSEWHERE,
    OTHERS_KEY,
    STARTS_AT,
    Scene,
    holder,
    session_at,
    text_of,
)

TABLE = tomllib.loads((Path(__file__).parent / "libpretixsync.toml").read_text())
SCENARIOS = [pytest.param(one, id=one["name"]) for one in TABLE["scenario"]]
# Without a network nobody knows of an undo elsewhere.
WITHOUT_NETWORK = [
    pytest.param(one, id=one["name"])
    for one in TABLE["scenario"]
    if not any(step.get("undo") for step in one["steps"])
]
THEIR_TESTS = 66
# What is scanned, and by what means it leads to the registration; None: it leads nowhere.
MEANS: dict[str, Means | None] = {
    "ticket": "ticket",
    "padded": "ticket",
    "other": "ticket",
    "code": "code",
    "list": "list",
    "junk": None,
    "forged": None,
}


def scene_of(given: dict[str, Any]) -> Scene:
    """The ticket and its session."""
    cancelled = "weather" if given.get("session_cancelled") else None
    of = session_at(STARTS_AT + timedelta(days=given.get("starts_in_days", 0)), cancelled=cancelled)
    registration = holder(
        given.get("places", 1),
        status=given.get("status", "confirmed"),
        round=given.get("round", 1),
        version=2 if given else 1,
    )
    if given.get("status") in ("waitlisted", "held"):
        registration = replace(registration, ticket_hash=None, ticket_locked=None)
    scene = Scene(registration, of, erased=given.get("erased", False))
    if given.get("people_in"):
        scene.judge(of.starts_at - timedelta(hours=1), door=None)
    return scene


def door_of(step: dict[str, Any], scene: Scene, given: dict[str, Any]) -> Session | None:
    """The session of the door; None at a door of all sessions."""
    if step.get("door") == "any":
        return None
    if step.get("door") == "elsewhere" or step.get("by") == "other":
        starts_at = scene.session.starts_at - timedelta(days=given.get("other_days", 0))
        return session_at(starts_at, session_id=ELSEWHERE)
    return scene.session


def time_of(step: dict[str, Any], number: int, scene: Scene) -> datetime:
    # Each scan is a little later than the one before.
    return scene.session.starts_at + timedelta(hours=step.get("at", 0.0), seconds=number)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_scan_gets_the_verdict_that_its_situation_deserves(scenario: dict[str, Any]) -> None:
    given = scenario.get("given", {})
    scene = scene_of(given)
    judged: list[Scan] = []
    for number, step in enumerate(scenario["steps"]):
        # At the edges of the window a second would make a difference.
        at = time_of(step, 0 if "at" in step else number, scene)
        if step.get("undo"):
            scene.undo(judged[step.get("of", -1)].scan_id, at)
            continue
        scan = scene.judge(
            at,
            door=door_of(step, scene, given),
            means=MEANS[step.get("by", "ticket")],
            round_=step.get("round"),
            people=step.get("people"),
        )
        judged.append(scan)
        assert scan.verdict == step["verdict"]
        assert bool(scan.people) == (step["verdict"] == "ok")


@pytest.mark.parametrize("scenario", WITHOUT_NETWORK)
def test_a_door_without_a_network_gives_the_same_verdicts_at_once(scenario: dict[str, Any]) -> None:
    given = scenario.get("given", {})
    scene = scene_of(given)
    own = scene.door_without_network()
    for number, step in enumerate(scenario["steps"]):
        at = time_of(step, 0 if "at" in step else number, scene)
        of = door_of(step, scene, given)
        door = (
            own
            if of in (None, scene.session)
            else Scene(holder(), of or scene.session).door_without_network()
        )
        if step.get("by") == "list":
            ruling = door.pick(scene.registration.registration_id, step.get("people"), at)
        else:
            ruling = door.scan(scanned(step, scene), step.get("people"), at)
        assert ruling.verdict == step["verdict"]
        assert ruling.let_in == (step["verdict"] == "ok")


def scanned(step: dict[str, Any], scene: Scene) -> str:
    """The text of the ticket as the scanner reads it."""
    registration = replace(scene.registration, round=step.get("round", scene.registration.round))
    text = text_of(registration, scene.session)
    match step.get("by"):
        case "forged":
            return text_of(registration, scene.session, OTHERS_KEY)
        case "junk":
            return text[:40] + text[60:]
        case "padded":
            return f" {text[:9].lower()} {text[9:]}\r\n"
    return text


def test_every_test_of_theirs_is_mapped_or_has_a_reason() -> None:
    theirs = [one["name"] for one in TABLE["scenario"] if one["name"].startswith("test")]
    without = [name for group in TABLE["does_not_apply"] for name in group["names"]]
    assert len({*theirs, *without}) == len(theirs) + len(without) == THEIR_TESTS
    assert all(group["reason"] for group in TABLE["does_not_apply"])


def test_every_verdict_occurs() -> None:
    expected = {step["verdict"] for one in TABLE["scenario"] for step in one["steps"] if "verdict" in step}
    # That of a device and no ticket: test_check_in.py.
    assert expected == set(get_args(Verdict)) - {"scan_id_reused"}
