"""The guides' examples work: each is taken out of its document and run against a whole week."""

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from operator import itemgetter
from pathlib import Path
from threading import Timer

import pytest

from kepu_events import Sender
from ops.demo.outsider import SOURCE, Outsider
from ops.demo.run import week_of_now
from ops.local.services import Services, running
from ops.week.load import load, pieces, put, quiz_piece
from shared.contracts.sealing import decrypt_contact, lock_sealed, new_key
from shared.messaging.create_topics import create_missing
from tests.support.kafka import read_all
from tests.support.kit import CLIENTS, EXAMPLES, build, environment_with
from tests.support.servers import own_stack

pytestmark = pytest.mark.stack

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.DOTALL | re.MULTILINE)
HEADING = re.compile(r"^## (.+)$", re.MULTILINE)
PROGRAM = re.compile(r"# (\w+\.py)")
SECONDS = 30.0
# Each request is noted that is refused; the guides show what succeeds.
NOTING = 'curl() { command curl --fail-with-body "$@" || echo "$*" >> refused; }\n'


@pytest.fixture(scope="module")
def services() -> Iterator[Services]:
    """What `make up` starts."""
    with own_stack() as stack:
        asyncio.run(create_missing(stack.kafka))
        with running(Services(stack, detached=False)) as up:
            assert load(pieces(week_of_now()), up.apis) == []
            yield up


@pytest.fixture
def checkout(services: Services, tmp_path: Path) -> Path:
    """A folder in which commands find what they would find in a checkout."""
    home = tmp_path / ".kepu" / "up"
    home.mkdir(parents=True)
    (home / "secrets.json").write_text(json.dumps(services.secrets))
    (tmp_path / ".venv").symlink_to(Path(sys.prefix))
    return tmp_path


def variables(services: Services) -> dict[str, str]:
    """What `make up` prints for a shell, and the addresses of the servers."""
    names = ("registration", "quiz", "awards", "notifications")
    return {
        **os.environ,
        **{name.upper(): services.url(name) for name in names},
        "KEPU_KAFKA": services.stack.kafka,
        "KEPU_MONGO": services.stack.mongo,
        "KEPU_CONTACT_PUBLIC_KEY": services.secrets["KEPU_CONTACT_PUBLIC_KEY"],
    }


def blocks(guide: str, language: str) -> dict[str, list[str]]:
    """The blocks of code in a guide, by the heading above them."""
    text = (ROOT / "docs" / guide).read_text()
    found: dict[str, list[str]] = {}
    for part in re.split(r"^(?=## )", text, flags=re.MULTILINE):
        heading = HEADING.match(part)
        for kind, block in BLOCK.findall(part):
            if kind == language:
                found.setdefault(heading[1] if heading else "", []).append(block)
    return found


def program(guide: str, name: str, folder: Path) -> Path:
    """One of a guide's programs, as a file."""
    for block in (block for some in blocks(guide, "python").values() for block in some):
        if (named := PROGRAM.match(block)) and named[1] == name:
            (folder / name).write_text(block)
            return folder / name
    raise LookupError(f"{guide} has no program {name}")


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_what_organisers_are_shown_works(services: Services, checkout: Path) -> None:
    shown = blocks("organising.md", "bash")
    # People take part before the quiz is closed.
    order = [
        "Try it",
        "Keys and roles",
        "As a participant",
        "During the week",
        "The question bank",
        "The quiz",
        "Awards",
        "Selections",
        "Messages",
    ]
    assert sorted(order) == sorted(shown)
    script = "\n".join(block for heading in order for block in shown[heading])
    done = subprocess.run(
        ["bash", "-c", f"{NOTING}set -euo pipefail\n{script}"],  # noqa: S607 (whichever bash is there)
        cwd=checkout,
        env=variables(services),
        capture_output=True,
        text=True,
        timeout=4 * SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    refused = (checkout / "refused").read_text().splitlines()
    # The ticket shown there is nobody's; and a quiz closes a moment after it is asked to.
    assert [line for line in refused if "/check-ins" not in line and "/apply" not in line] == []
    assert json.loads((checkout / "me.json").read_text())["status"] == "confirmed"


def test_another_system_registers_somebody_and_reads_the_outcome(services: Services, checkout: Path) -> None:
    environment = variables(services)
    emit, read = (program("integrating.md", name, checkout) for name in ("emit.py", "read.py"))
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, str(emit)],
            cwd=checkout,
            env=environment,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=True,
        )
        assert done.stdout.startswith("asked: hall-")
    request_id = done.stdout.split()[1]
    asked = [
        record.value
        for record in asyncio.run(read_all(services.stack.kafka, "registration.requested"))
        if dict(record.headers).get("ce_correlationid") == request_id.encode()
    ]
    assert len(asked) == 2
    assert len(set(asked)) == 1, "what is sent again is the same"
    reading = subprocess.Popen(
        [sys.executable, str(read)], cwd=checkout, env=environment, stdout=subprocess.PIPE, text=True
    )
    try:
        assert reading.stdout is not None
        assert reading.stdout.readline().split() == [request_id, "confirmed"]
    finally:
        reading.terminate()
        reading.wait(SECONDS)
    assert traced(request_id, services) >= {"registration.requested", "registration.confirmed"}


def in_ten_minutes(folder: Path, client: str, first: int) -> tuple[str, ...]:
    """
    What a newcomer saves by the guide, with the programs of one client.

    Args:
        first: the number of the first person, so that no two clients have the same people.
    Returns: the participants' ids.
    """
    [table] = blocks("integrating.md", "csv")["In ten minutes"]
    shown = {PROGRAM.match(one)[1]: one for one in blocks("integrating.md", "python")["In ten minutes"]}  # type: ignore[index]
    for name in ("register", "results"):
        example = (EXAMPLES / f"{name}_{client}.py").read_text()
        # The guide shows the programs of confluent-kafka; all do the same.
        assert client != "confluent" or shown[f"{name}.py"] == example
        # On a week of one's own nobody else has this group.
        text = example.replace('"examination-hall"', f'"examination-hall-{client}"')
        (folder / f"{name}.py").write_text(text)
    numbers = [str(first + n) for n in range(len(table.splitlines()) - 1)]
    lines = [
        number + line[line.index(",") :] for number, line in zip(numbers, table.splitlines()[1:], strict=True)
    ]
    (folder / "people.csv").write_text("\n".join([table.splitlines()[0], *lines]))
    return tuple(Sender(SOURCE).id_of(number) for number in numbers)


def test_in_ten_minutes_a_hall_registers_its_people_and_shows_their_results(
    services: Services, checkout: Path
) -> None:
    wheel = build(checkout)
    # The guide names the file.
    assert wheel.name in (ROOT / "docs/integrating.md").read_text()
    python = environment_with(wheel, checkout / "env", *CLIENTS)
    environment = variables(services)
    people: list[str] = []
    with ExitStack() as running_programs:
        showing = []
        for number, client in enumerate(CLIENTS):
            folder = checkout / client
            folder.mkdir()
            people += in_ten_minutes(folder, client, 1_000 * (number + 1))
            # One of them runs twice: the outbox knows what was sent.
            for said in ("asked for 2 places\n", "")[: 1 + (client == "confluent")]:
                done = subprocess.run(
                    [python, "-I", "register.py"],
                    cwd=folder,
                    env=environment,
                    capture_output=True,
                    text=True,
                    timeout=SECONDS,
                    check=False,
                )
                assert (done.returncode, done.stdout) == (0, said), done.stderr
            results = subprocess.Popen(
                [python, "-I", "results.py"], cwd=folder, env=environment, stdout=subprocess.PIPE, text=True
            )
            running_programs.callback(_end, results)
            # Its lines are waited for below: they end with it.
            ends = Timer(4 * SECONDS, results.kill)
            ends.start()
            running_programs.callback(ends.cancel)
            showing.append(results)
        assert (
            contacts_sent(services, people)
            == [("youth", "李小明", "li@example.org")] * 3 + [("youth", "王芳", "wang@example.org")] * 3
        )
        hall = Outsider(services.stack.kafka, services.secrets["KEPU_CONTACT_PUBLIC_KEY"])
        # The sample contest tells results at its close.
        put(quiz_piece("warm-up", {**week_of_now().quiz, "shows_scores": "at_once"}), services.apis)
        hall.sit(people, hall.published_quiz("warm-up"))
        hall.flush()
        for results in showing:
            assert results.stdout is not None
            lines = sorted(results.stdout.readline().strip() for _ in range(4))
            assert [line.partition(":")[0] for line in lines] == ["李小明", "李小明", "王芳", "王芳"], lines
            assert [line for line in lines if "registration.confirmed" in line] == lines[1::2]
            assert all(line.endswith(" points") for line in lines[::2])


def contacts_sent(services: Services, people: Sequence[str]) -> list[tuple[str, str, str | None]]:
    """The audience and the contact of each request for these people, sorted by name."""
    found = []
    for record in asyncio.run(read_all(services.stack.kafka, "registration.requested")):
        asked = json.loads(record.value or b"{}")
        if asked["participant_id"] in people:
            # Registration locks a sealed contact once more; notifications opens both.
            key = new_key()
            contact = decrypt_contact(
                lock_sealed(asked["contact_sealed"], key), key, services.secrets["KEPU_CONTACT_PRIVATE_KEY"]
            )
            found.append((asked.get("audience", ""), contact.name, contact.email))
    return sorted(found, key=itemgetter(1))


def _end(program: "subprocess.Popen[str]") -> None:
    program.terminate()
    program.communicate(timeout=SECONDS)


def test_another_system_keeps_the_programme_by_topics_alone(services: Services, checkout: Path) -> None:
    listening = subprocess.Popen(
        [sys.executable, str(program("integrating.md", "programme.py", checkout))],
        cwd=checkout,
        env=variables(services),
        stdout=subprocess.PIPE,
        text=True,
    )
    sessions = {one["session_id"] for of in week_of_now().activities for one in of["sessions"]}
    try:
        assert listening.stdout is not None
        read: set[str] = set()
        while not sessions <= read:
            read.add(listening.stdout.readline().split()[0])
    finally:
        listening.terminate()
        listening.wait(SECONDS)


def traced(id_: str, services: Services) -> set[str]:
    """The topics in which operators find an id by the guide's command; it may be in more a moment later."""
    assert "    .venv/bin/kepu trace ID\n" in (ROOT / "docs/operating.md").read_text()
    deadline = time.monotonic() + SECONDS
    found: set[str] = set()
    while "notification.delivered" not in found and time.monotonic() < deadline:
        done = subprocess.run(
            [ROOT / ".venv/bin/kepu", "trace", id_, "--json"],
            env=variables(services),
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        found = {one["topic"] for one in json.loads(done.stdout)["records"]}
    return found


def test_the_outbox_is_looked_into_as_operators_are_shown(services: Services) -> None:
    [line] = re.findall(
        r"    \.venv/bin/python -c \"(.*pymongo.*)\"", (ROOT / "docs/operating.md").read_text()
    )
    done = subprocess.run(
        [sys.executable, "-c", line],
        env=variables(services),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=True,
    )
    assert done.stdout.strip().isdecimal()
