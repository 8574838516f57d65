"""The guides' examples work: each is taken out of its document and run against a whole week."""

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ops.demo.run import week_of_now
from ops.local.services import Services, running
from ops.week.load import load, pieces
from shared.messaging.create_topics import create_missing
from tests.support.kafka import read_all
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
