"""A door in a browser gives the verdicts of the door of the command line. Its module runs in Node here."""

import base64
import json
import subprocess
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from msgspec.json import encode

from ops.door.verifier import Door, keys_of, read_list
from pages.build import SITE
from services.registration.check_in.list_for_door import LIST_SIGNED_AS
from services.registration.check_in.rules import door_entry
from services.registration.tickets.rules import window
from tests.registration.check_in.scenes import KEY, OTHERS_KEY, Scene, holder, session_at, text_of
from tests.registration.check_in.test_scenarios import (
    WITHOUT_NETWORK,
    door_of,
    scanned,
    scene_of,
    time_of,
)
from tests.support.node import NODE, NODE_SECONDS_MAX

KEYS = {"keys": [{"key_id": KEY.public.key_id, "public_key": KEY.public.public_key}]}
CALLER = f"""
import {{ keysOf, readList, rule, rulePicked }} from "{SITE}/parts/door-list.js";
import {{ isSigned, isSignedByLibrary }} from "{SITE}/parts/signature.js";
import {{ readFileSync }} from "node:fs";
const {{ keys, scans, lists, signatures }} = JSON.parse(readFileSync(0, "utf8"));
const known = keysOf(keys);
const said = {{ scans: [], lists: [], signatures: [] }};
const inside = {{}};
for (const {{ door, pages, shown, picked, people, at }} of scans) {{
  const list = await readList(pages, known);
  const here = (inside[door] ??= new Map());
  const ruling = picked
    ? rulePicked(list, here, picked, people, at)
    : await rule(list, known, here, shown, people, at);
  const id = ruling.registration_id;
  here.set(id, (here.get(id) ?? 0) + ruling.people);
  said.scans.push([ruling.verdict, ruling.people]);
}}
for (const pages of lists) said.lists.push(await readList(pages, known).then(() => true, () => false));
const bytes = (letters) => Uint8Array.from(Buffer.from(letters, "base64"));
for (const one of signatures) {{
  const three = one.map(bytes);
  said.signatures.push([await isSigned(...three), await isSignedByLibrary(...three)]);
}}
process.stdout.write(JSON.stringify(said));
"""
Json = dict[str, Any]


def in_node(**asked: Any) -> Json:
    """What the module says to each of these."""
    ran = subprocess.run(
        [NODE, "--input-type=module", "--eval", CALLER],
        input=json.dumps({"keys": KEYS, "scans": [], "lists": [], "signatures": [], **asked}).encode(),
        capture_output=True,
        check=True,
        timeout=NODE_SECONDS_MAX,
    )
    said: Json = json.loads(ran.stdout)
    return said


def page_of(scene: Scene, *, begins: int = 0, following: int | None = None, key: Any = KEY) -> Json:
    """The page of the list that a door of this scene loads now."""
    opens_at, closes_at = window(scene.session)
    entry = door_entry(scene.registration, erased=scene.erased)
    content = {
        "session_id": scene.session.session_id,
        "activity_title": scene.session.activity_title,
        "venue": scene.session.venue,
        "starts_at": scene.session.starts_at,
        "ends_at": scene.session.ends_at,
        "door_opens_at": opens_at,
        "door_closes_at": closes_at,
        "cancelled": scene.session.cancelled is not None,
        "entries": [entry] if entry else [],
        "page_begins": begins,
        "next_page": following,
        "made_at": scene.session.starts_at,
    }
    text = encode(content)
    signature = key.signature_of(LIST_SIGNED_AS + text)
    return {"list": text.decode(), "key_id": KEY.public.key_id, "signature": signature}


def in_milliseconds(at: datetime) -> float:
    return at.timestamp() * 1000


def scans_of(name: str, scenario: Json) -> list[Json]:
    """What is shown at the doors of a scenario, one after the other."""
    given = scenario.get("given", {})
    scene = scene_of(given)
    own = page_of(scene)
    scans = []
    for number, step in enumerate(scenario["steps"]):
        of = door_of(step, scene, given)
        elsewhere = of not in (None, scene.session)
        picked = scene.registration.registration_id if step.get("by") == "list" else None
        scans.append(
            {
                "door": f"{name} {number if elsewhere else ''}",
                "pages": [page_of(Scene(holder(), of or scene.session)) if elsewhere else own],
                "shown": None if picked else scanned(step, scene),
                "picked": picked,
                "people": step.get("people"),
                "at": in_milliseconds(time_of(step, 0 if "at" in step else number, scene)),
            }
        )
    return scans


def test_the_verdicts_of_all_situations_are_those_of_an_established_system() -> None:
    scenarios: list[Any] = [one.values[0] for one in WITHOUT_NETWORK]
    scans = [scan for one in scenarios for scan in scans_of(one["name"], one)]
    steps = [(one["name"], step) for one in scenarios for step in one["steps"]]
    said = in_node(scans=scans)["scans"]
    wrong = [
        (name, step, verdict)
        for (name, step), (verdict, _) in zip(steps, said, strict=True)
        if verdict != step["verdict"]
    ]
    assert wrong == []


SHOWN: dict[str, Callable[[], str]] = {
    "a ticket for many": lambda: text_of(holder(300), session_at()),
    "small letters and full width": lambda: text_of(holder(), session_at()).lower().replace("k", "\uff2b", 1),
    "a code with dashes": lambda: "7k3qx \u2014 mOr9t",
    "the id of a registration": lambda: holder().registration_id,
    "one letter too many": lambda: text_of(holder(), session_at()) + "A",
    "a letter less": lambda: text_of(holder(), session_at())[:-1],
    "another last letter": lambda: text_of(holder(), session_at())[:-1] + "7",
    "another key": lambda: text_of(holder(), session_at(), OTHERS_KEY),
    "nothing behind the prefix": lambda: "KW1",
    "a web address": lambda: "https://example.org/KW1",
}


@pytest.mark.parametrize("people", [None, 1, 301])
def test_whatever_is_shown_gets_the_verdict_of_the_command_line(people: int | None) -> None:
    scene = Scene(holder(), session_at())
    page, at = page_of(scene), scene.session.starts_at + timedelta(minutes=1)
    keys = keys_of(KEYS)
    texts = [make() for make in SHOWN.values()]
    expected = []
    for text in texts:
        ruling = Door(read_list([page], keys), keys, {}).scan(text, people, at)
        expected.append([ruling.verdict, ruling.people])
    scans = [
        {"door": n, "pages": [page], "shown": text, "people": people, "at": in_milliseconds(at)}
        for n, text in enumerate(texts)
    ]
    assert in_node(scans=scans)["scans"] == expected
    assert len({verdict for verdict, _ in expected}) > 2


def test_a_list_that_nobody_has_signed_or_that_is_not_whole_opens_no_door() -> None:
    scene = Scene(holder(), session_at())
    whole = [page_of(scene, following=1000), page_of(scene, begins=1000)]
    elsewhere = page_of(Scene(holder(), session_at(session_id="elsewhere-1")), begins=1000)
    changed = {**whole[0], "list": whole[0]["list"].replace("street-1", "street-2")}
    lists = [
        whole,
        whole[:1],
        whole[1:],
        [],
        [*whole, whole[1]],
        [whole[0], elsewhere],
        [changed, whole[1]],
        [page_of(scene, key=OTHERS_KEY)],
    ]
    assert in_node(lists=lists)["lists"] == [True] + [False] * 7


def test_a_browser_without_such_signatures_checks_them_by_the_library() -> None:
    content = b"kepu"
    signature = KEY.signature_of(content)
    three = [base64.b64encode(content).decode(), signature, KEY.public.public_key]
    others = [three[0], OTHERS_KEY.signature_of(content), three[2]]
    torn = [three[0], "AAAA", three[2]]
    said = in_node(signatures=[three, others, torn])["signatures"]
    assert said == [[True, True], [False, False], [False, False]]
