"""What kepu emit writes, kepu listen shows; on a real broker."""

import asyncio
import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka.admin import AdminClient
from typer.testing import CliRunner

from ops.cli import app
from ops.contracts.documents import GOLDEN
from shared.contracts.events import NotificationRequested, QuizCompleted, RegistrationRequested
from shared.contracts.topics import NOTIFICATIONS, REGISTRATION_REQUESTS, declared
from shared.messaging.create_topics import create_missing
from tests.support.kafka import committed, read_all, write_raw
from tests.support.service import new_id

pytestmark = pytest.mark.stack
KEPU = str(Path(sys.executable).with_name("kepu"))
REQUESTED = "registration.requested"


def kepu(*words: str, given: str | None = None, columns: int = 400) -> tuple[int, str, str]:
    done = CliRunner(env={"COLUMNS": str(columns), "KEPU_SOURCE": None}).invoke(app, words, input=given)
    return done.exit_code, done.stdout, done.stderr


@pytest.fixture(autouse=True)
def topics(kafka: str) -> None:
    wanted = [declared(one) for one in (RegistrationRequested, NotificationRequested, QuizCompleted)]
    dead = declared(RegistrationRequested).dead(REGISTRATION_REQUESTS)
    asyncio.run(create_missing(kafka, wanted=[*wanted, dead]))


def emit(kafka: str, who: str, *more: str) -> Any:
    body = json.dumps({"participant_id": who, "session_id": "no-such-session"})
    code, said, wrong = kepu("emit", REQUESTED, "-", "--kafka", kafka, "--json", *more, given=body)
    assert code == 0, wrong
    return json.loads(said)


def listen(kafka: str, *words: str) -> list[Any]:
    code, said, wrong = kepu("listen", *words, "--from", "5m", "--to-end", "--json", "--kafka", kafka)
    assert code == 0, wrong
    return [json.loads(one) for one in said.splitlines()]


def test_what_is_emitted_is_where_it_says_and_is_heard_with_all_its_headers(kafka: str) -> None:
    who = new_id("p")
    sent = emit(kafka, who, "--field", "places=2", "--source", "schools/hall", "--correlation-id", "of-mine")
    [heard] = listen(kafka, REQUESTED, "--participant", who, "--source", "schools/hall")
    assert f"{heard['topic']}/{heard['partition']}/{heard['offset']}" == sent["place"]
    assert heard["key"] == who
    assert heard["data"]["places"] == 2
    assert len(heard["data"]["request_id"]) == 36
    assert heard["headers"]["ce_id"] == sent["ce_id"]
    assert heard["headers"]["ce_correlationid"] == "of-mine"
    assert "problem" not in heard


def test_a_line_of_listen_can_be_emitted_again_and_is_the_same_event(kafka: str) -> None:
    who = new_id("p")
    emit(kafka, who)
    [heard] = listen(kafka, REQUESTED, "--key", who)
    code, _, wrong = kepu("emit", REQUESTED, "-", "--kafka", kafka, given=json.dumps(heard))
    assert code == 0, wrong
    first, again = listen(kafka, REQUESTED, "--key", who)
    assert (first["headers"], first["data"], first["key"]) == (again["headers"], again["data"], again["key"])
    assert first["partition"] == again["partition"]


def test_an_example_is_a_body_to_begin_with_and_a_dry_run_writes_nothing(kafka: str, tmp_path: Path) -> None:
    before = len(asyncio.run(read_all(kafka, QuizCompleted.topic)))
    file = tmp_path / "result.json"
    file.write_text(kepu("emit", "quiz.completed", "--example")[1])
    words = ["emit", "QuizCompleted", str(file), "--as-service", "--dry-run", "--json", "--kafka", kafka]
    code, said, wrong = kepu(*words)
    assert code == 0, wrong
    assert json.loads(said)["data"] == json.loads(file.read_text())
    assert json.loads(said)["headers"]["ce_source"] == "kepu/quiz"
    assert len(asyncio.run(read_all(kafka, QuizCompleted.topic))) == before


def test_a_dry_run_needs_no_kafka_and_prints_key_partition_headers_and_body() -> None:
    words = ["-f", "participant_id=p-1", "-f", "subject=考场安排", "-f", "body=请提前到达", "--dry-run"]
    code, said, _ = kepu("emit", "notification.requested", *words, "--kafka", "127.0.0.1:1")
    assert code == 0
    assert "key        p-1\n" in said
    assert "partition  " in said
    assert "ce_type           kepu.notification.requested.v1\n" in said
    assert '"subject": "考场安排"' in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["emit"], "say which event"),
        (["emit", "quiz.complete"], "did you mean quiz.completed?"),
        (["emit", "quiz.completed", "-f", "score=1"], "is a fact that quiz says"),
        (["emit", REQUESTED], "$.participant_id: is missing"),
        (["emit", REQUESTED, "none.json"], "none.json cannot be read"),
        (["emit", REQUESTED, "-f", "session_id=s", "--source", "kepu/quiz"], "source_ours"),
        (["listen", "quizz.*"], "no event is named quizz.*"),
        (["listen", "--from", "yesterday"], "'yesterday' is no time"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(kafka: str, words: list[str], said: str) -> None:
    code, _, wrong = kepu(*words, "--kafka", kafka)
    assert code == 1
    assert said in wrong
    assert "Traceback" not in wrong


def test_what_our_groups_would_refuse_is_heard_with_the_reason_and_dead_letters_on_their_own(
    kafka: str,
) -> None:
    who = new_id("p")
    asyncio.run(write_raw(kafka, REQUESTED, [(who.encode(), b"{}", [])]))
    [heard] = listen(kafka, REQUESTED, "--key", who)
    assert heard["problem"]["code"] == "bad_header"
    why = {"group": REGISTRATION_REQUESTS, "code": "bad_header", "reason": "no ce_id", "topic": REQUESTED}
    why |= {"partition": "0", "offset": str(heard["offset"])}
    headers = [(f"dead_{name}", text.encode()) for name, text in why.items()]
    dead_topic = f"{REQUESTED}.{REGISTRATION_REQUESTS}.dead"
    asyncio.run(write_raw(kafka, dead_topic, [(who.encode(), b"{}", headers)]))
    [dead] = listen(kafka, REQUESTED, "--dead", "--key", who)
    assert dead["dead"]["place"] == f"{REQUESTED}/0/{heard['offset']}"


def test_the_list_has_every_event_by_its_whole_name_however_narrow_the_terminal() -> None:
    code, said, _ = kepu("emit", "--list", columns=60)
    assert code == 0
    names = {path.stem.removeprefix("kepu.").removesuffix(".v1") for path in GOLDEN.glob("*.json")}
    assert {name for name in names if name not in said} == set()


def test_listening_shows_what_comes_ends_with_ctrl_c_and_leaves_no_group_behind(kafka: str) -> None:
    who = new_id("p")
    with subprocess.Popen(
        (KEPU, "listen", "registration.*", "--participant", who, "--kafka", kafka),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as command:
        try:
            assert command.stderr is not None
            assert command.stdout is not None
            assert "listening to " in command.stderr.readline()
            sent = emit(kafka, who)
            shown = command.stdout.readline()
            assert REQUESTED in shown
            assert who in shown
            command.send_signal(signal.SIGINT)
            rest, told = command.communicate(timeout=30)
        finally:
            command.kill()
    assert (command.returncode, rest) == (0, "")
    assert "1 record" in told
    assert "Traceback" not in told
    known = AdminClient({"bootstrap.servers": kafka}).list_consumer_groups().result(timeout=30).valid
    groups = [one.group_id for one in known]
    assert not [one for one in groups if one.startswith("kepu-") and len(one) == len("kepu-") + 36]
    for group in (REGISTRATION_REQUESTS, NOTIFICATIONS):
        assert all(
            at <= int(sent["place"].split("/")[2])
            for partition, at in asyncio.run(committed(kafka, group, REQUESTED)).items()
            if str(partition) == sent["place"].split("/")[1]
        )
