"""The load client against a server that answers as each test says."""

import asyncio
import os
import platform
from collections import Counter
from itertools import count, pairwise
from pathlib import Path
from time import monotonic

import pytest

from bench.errors import LoadClientError
from bench.load.client import Latency, Load, Plan, Step, build, requests_file, run, start
from bench.tests.quiz import QUESTIONS, TinyQuiz, paper
from bench.tests.server import Asked, Reply, http, request, serving

pytestmark = pytest.mark.skipif(platform.system() != "Linux", reason="the client is made of epoll")

OK = http(200, {"said": "yes"})


@pytest.fixture(scope="session", autouse=True)
def built() -> Path:
    return build()


async def ran(plan: Plan) -> Load:
    return await asyncio.to_thread(run, plan)


def written(folder: Path, requests: int) -> Path:
    path = folder / "requests"
    assert requests_file(path, (request(number) for number in range(requests))) == requests
    return path


def tokens(folder: Path, participants: int) -> Path:
    path = folder / "tokens"
    path.write_text("".join(f"token.of-{number}\n" for number in range(participants)))
    return path


def latency(step: Step) -> Latency:
    assert step.latency_ms is not None
    return step.latency_ms


async def yes(_: Asked) -> Reply:
    return OK


# Requests of a file


async def test_one_connection_sends_each_request_once_in_order(tmp_path: Path) -> None:
    async with serving(yes) as server:
        load = await ran(Plan(targets=(server.target,), requests=written(tmp_path, 300), connections=1))
    assert server.paths() == [f"/{number}" for number in range(300)]
    assert load.steps["request"].count == 300
    assert load.connections_opened == 1


async def test_many_connections_send_each_request_once(tmp_path: Path) -> None:
    async with serving(yes) as server:
        load = await ran(Plan(targets=(server.target,), requests=written(tmp_path, 1000), connections=50))
    assert sorted(server.paths()) == sorted(f"/{number}" for number in range(1000))
    assert load.steps["request"].by_status == {200: 1000}
    assert load.connections_opened == 50
    assert sum(second.request for second in load.timeline) == 1000


async def test_a_body_larger_than_a_socket_takes_arrives_whole(tmp_path: Path) -> None:
    body = os.urandom(9_000_000)
    path = tmp_path / "requests"
    requests_file(path, [request("large", body), request("small", b"x")])
    async with serving(yes) as server:
        await ran(Plan(targets=(server.target,), requests=path, connections=1))
    assert [asked.body for asked in server.asked] == [body, b"x"]


async def test_targets_get_equal_parts_of_the_connections(tmp_path: Path) -> None:
    async with serving(yes) as one, serving(yes) as other:
        plan = Plan(targets=(one.target, other.target), requests=written(tmp_path, 400), connections=8)
        await ran(plan)
    assert len(one.opened_at) == len(other.opened_at) == 4
    assert len(one.asked) + len(other.asked) == 400


async def test_statuses_are_counted_and_refusals_have_no_latency(tmp_path: Path) -> None:
    async def by_number(asked: Asked) -> Reply:
        return http((200, 404, 503)[int(asked.path[1:]) % 3])

    async with serving(by_number) as server:
        load = await ran(Plan(targets=(server.target,), requests=written(tmp_path, 30)))
    assert load.steps["request"].by_status == {200: 10, 404: 10, 503: 10}
    assert load.steps["request"].turned_away == 0

    async with serving(lambda _: _refuse()) as server:
        load = await ran(Plan(targets=(server.target,), requests=written(tmp_path, 3)))
    assert load.steps["request"].latency_ms is None


async def _refuse() -> Reply:
    return http(503)


async def test_count_bounds_the_requests(tmp_path: Path) -> None:
    async with serving(yes) as server:
        load = await ran(Plan(targets=(server.target,), requests=written(tmp_path, 100), count=7))
    assert load.steps["request"].count == len(server.asked) == 7


# Pace


async def stalled_run(folder: Path, rate: float | None) -> Load:
    """100 requests over one connection; before the 20th the server stands still for 300 ms."""

    async def stall_once(asked: Asked) -> Reply:
        await asyncio.sleep(0.3 if asked.path == "/20" else 0)
        return OK

    async with serving(stall_once) as server:
        return await ran(
            Plan(targets=(server.target,), requests=written(folder, 100), connections=1, rate=rate)
        )


async def test_open_loop_charges_a_stall_to_all_who_had_to_queue(tmp_path: Path) -> None:
    step = (await stalled_run(tmp_path, rate=200)).steps["request"]
    # 60 requests fell due in the 300 ms, so far more than the slowest tenth waited.
    assert step.count == 100
    assert latency(step).max >= 299
    assert latency(step).p90 >= 150


async def test_closed_loop_charges_a_stall_to_one(tmp_path: Path) -> None:
    step = (await stalled_run(tmp_path, rate=None)).steps["request"]
    assert latency(step).max >= 299
    assert latency(step).p90 < 150


async def test_open_loop_keeps_its_rate(tmp_path: Path) -> None:
    async with serving(yes) as server:
        load = await ran(Plan(targets=(server.target,), requests=written(tmp_path, 100), rate=100))
    assert server.asked[-1].at - server.asked[0].at == pytest.approx(0.99, abs=0.1)
    assert load.rate == pytest.approx(100, rel=0.1)


async def test_open_loop_opens_connections_as_it_needs_them(tmp_path: Path) -> None:
    async def slow(_: Asked) -> Reply:
        await asyncio.sleep(0.1)
        return OK

    async with serving(slow) as server:
        plan = Plan(targets=(server.target,), requests=written(tmp_path, 100), rate=100, connections=64)
        load = await ran(plan)
    assert 10 <= load.connections_opened <= 30
    assert latency(load.steps["request"]).p50 < 150


async def test_warm_seconds_are_counted_apart(tmp_path: Path) -> None:
    async with serving(yes) as server:
        plan = Plan(targets=(server.target,), requests=written(tmp_path, 100), rate=100, warm_seconds=0.5)
        load = await ran(plan)
    assert load.warm.steps["request"].count == 50
    assert load.steps["request"].count == 50
    assert load.rate == pytest.approx(100, rel=0.15)


async def test_seconds_end_the_run_and_what_is_under_way_is_finished(tmp_path: Path) -> None:
    async def slow(_: Asked) -> Reply:
        await asyncio.sleep(0.2)
        return OK

    async with serving(slow) as server:
        plan = Plan(targets=(server.target,), requests=written(tmp_path, 1000), connections=5, seconds=0.5)
        load = await ran(plan)
    assert load.steps["request"].count == len(server.asked) == 15
    assert not load.steps["request"].failed


async def test_in_the_open_loop_all_who_fall_due_before_the_end_begin(tmp_path: Path) -> None:
    async with serving(yes) as server:
        plan = Plan(targets=(server.target,), requests=written(tmp_path, 5000), rate=2000, seconds=0.5)
        load = await ran(plan)
    assert load.steps["request"].count == len(server.asked) == 1000
    assert load.not_begun == 0


async def test_a_stopped_run_has_its_result(tmp_path: Path) -> None:
    tenth = asyncio.Event()

    async def until_tenth(asked: Asked) -> Reply:
        if asked.path == "/10":
            tenth.set()
        return OK

    async with serving(until_tenth) as server:
        running = start(Plan(targets=(server.target,), requests=written(tmp_path, 10000), rate=100))
        await tenth.wait()
        running.stop()
        load = await asyncio.to_thread(running.wait, 10)
    assert load.steps["request"].count == len(server.asked) < 1000


# What goes wrong


async def test_a_turned_away_request_is_sent_again_after_its_time(tmp_path: Path) -> None:
    seen: Counter[str] = Counter()

    async def first_busy(asked: Asked) -> Reply:
        seen[asked.path] += 1
        return http(503, None, "Retry-After: 1") if seen[asked.path] == 1 else OK

    async with serving(first_busy) as server:
        load = await ran(Plan(targets=(server.target,), requests=written(tmp_path, 5), retry_503=True))
    step = load.steps["request"]
    assert set(seen.values()) == {2}
    assert step.turned_away == 5
    assert step.by_status == {200: 5}
    assert latency(step).p50 >= 1000
    assert server.asked[5].at - server.asked[0].at >= 0.99


async def test_a_broken_connection_is_counted_and_the_others_go_on(tmp_path: Path) -> None:
    async def break_some(asked: Asked) -> Reply:
        return None if int(asked.path[1:]) % 10 == 3 else OK

    async with serving(break_some) as server:
        load = await ran(Plan(targets=(server.target,), requests=written(tmp_path, 100), connections=4))
    assert len(set(server.paths())) == len(server.asked) == 100
    assert load.steps["request"].failed == {"reset": 10}
    assert load.steps["request"].count == 90
    assert 10 < load.connections_opened <= 14


async def test_a_server_that_closes_after_each_answer_fails_nobody(tmp_path: Path) -> None:
    async with serving(lambda _: _closing()) as server:
        load = await ran(Plan(targets=(server.target,), requests=written(tmp_path, 20), connections=2))
    assert load.steps["request"].by_status == {200: 20}
    assert load.connections_opened == 20


async def _closing() -> Reply:
    return http(200, None, "Connection: close")


async def test_a_server_that_is_not_there_is_a_failure_to_connect(tmp_path: Path) -> None:
    async with serving(yes) as server:
        pass
    load = await ran(Plan(targets=(server.target,), requests=written(tmp_path, 6), connections=2))
    assert load.steps["request"].failed == {"connect": 6}
    assert load.connections_opened == 0


async def test_no_answer_is_a_timeout(tmp_path: Path) -> None:
    async def never(asked: Asked) -> Reply:
        await asyncio.sleep(1 if asked.path == "/1" else 0)
        return OK

    async with serving(never) as server:
        load = await ran(
            Plan(targets=(server.target,), requests=written(tmp_path, 4), connections=1, timeout_ms=200)
        )
    assert load.steps["request"].failed == {"timeout": 1}
    assert load.steps["request"].count == 3


MALFORMED: dict[str, Reply] = {
    "no HTTP": b"SSH-2.0-OpenSSH\r\n\r\n",
    "another HTTP": b"HTTP/2 200\r\n\r\n",
    "nothing but line ends": b"\r\n\r\n",
    "no status": b"HTTP/1.1\r\n\r\n",
    "a status of letters": b"HTTP/1.1 abc OK\r\ncontent-length: 0\r\n\r\n",
    "a status of four digits": b"HTTP/1.1 2000 OK\r\ncontent-length: 0\r\n\r\n",
    "an interim answer": b"HTTP/1.1 100 Continue\r\ncontent-length: 0\r\n\r\n",
    "a status beyond": b"HTTP/1.1 999 Well\r\ncontent-length: 0\r\n\r\n",
    "no length": b"HTTP/1.1 200 OK\r\nserver: x\r\n\r\n",
    "no headers": b"HTTP/1.1 200 OK\r\n\r\n",
    "a length below nothing": b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
    "a length of letters": b"HTTP/1.1 200 OK\r\ncontent-length: 5x\r\n\r\nhello",
    "a length beyond all": b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999\r\n\r\n",
    "a length too large": b"HTTP/1.1 200 OK\r\ncontent-length: 262144\r\n\r\n",
    "chunks": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "a header without a colon": b"HTTP/1.1 200 OK\r\nnonsense\r\ncontent-length: 0\r\n\r\n",
    "more than its length": b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nab",
    "a head without end": b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 60_000,
    "zeros": bytes(1000),
    "zeros in parts": [b"HTTP/1.1 ", bytes(20), bytes(70_000)],
}


@pytest.mark.parametrize("reply", MALFORMED.values(), ids=MALFORMED)
async def test_a_malformed_answer_is_counted_and_the_others_go_on(tmp_path: Path, reply: Reply) -> None:
    async def one_malformed(asked: Asked) -> Reply:
        return reply if asked.path == "/1" else OK

    async with serving(one_malformed) as server:
        load = await ran(Plan(targets=(server.target,), requests=written(tmp_path, 4), connections=1))
    assert load.steps["request"].failed == {"answer": 1}
    assert load.steps["request"].by_status == {200: 3}


@pytest.mark.parametrize("size", [1, 7, 4096])
async def test_an_answer_in_parts_is_put_together(tmp_path: Path, size: int) -> None:
    whole = http(200, "x" * (40 * size))
    parts = [whole[at : at + size] for at in range(0, len(whole), size)]

    async def in_parts(_: Asked) -> Reply:
        return parts

    async with serving(in_parts) as server:
        load = await ran(Plan(targets=(server.target,), requests=written(tmp_path, 3), connections=1))
    assert load.steps["request"].by_status == {200: 3}


async def test_an_answer_of_the_greatest_size_is_read(tmp_path: Path) -> None:
    async def large(_: Asked) -> Reply:
        return http(200, "x" * 262_000)

    async with serving(large) as server:
        load = await ran(Plan(targets=(server.target,), requests=written(tmp_path, 20), connections=4))
    assert load.steps["request"].by_status == {200: 20}


async def test_an_answer_that_ends_early_is_a_reset(tmp_path: Path) -> None:
    numbers = count()

    async def cut(_: Asked) -> Reply:
        return b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc" if next(numbers) == 0 else None

    async with serving(cut) as server:
        plan = Plan(targets=(server.target,), requests=written(tmp_path, 2), connections=1, timeout_ms=500)
        load = await ran(plan)
    assert load.steps["request"].failed == {"timeout": 1, "reset": 1}


# Sittings


async def test_a_sitting_starts_submits_and_waits_for_its_result(tmp_path: Path) -> None:
    quiz = TinyQuiz()
    noted = tmp_path / "acknowledged"
    async with serving(quiz.answer) as server:
        load = await ran(
            Plan(
                targets=(server.target,),
                participants=tokens(tmp_path, 40),
                quiz="contest",
                watch=4,
                acknowledged=noted,
                connections=8,
                letters="AC",
            )
        )
    assert sorted(quiz.participants.values()) == sorted(f"token.of-{number}" for number in range(40))
    assert all(set(answers) == set(QUESTIONS) for answers in quiz.answers.values())
    assert {letter for answers in quiz.answers.values() for letter in answers.values()} == {"A", "C"}
    assert len({tuple(answers.items()) for answers in quiz.answers.values()}) > 4
    assert load.steps["start"].by_status == {201: 40}
    assert load.steps["submit"].by_status == {202: 40}
    assert load.steps["result_wait"].count == 10
    assert load.steps["result_get"].by_status == {200: 30}
    # Two polls of 25 ms after the first.
    assert latency(load.steps["result_wait"]).p50 >= 49
    assert sorted(noted.read_text().splitlines()) == sorted(
        f"{attempt}\treceipt-of-{attempt}" for attempt in quiz.answers
    )


async def test_the_same_seed_gives_the_same_answers(tmp_path: Path) -> None:
    given = []
    for seed in (7, 7, 8):
        quiz = TinyQuiz()
        async with serving(quiz.answer) as server:
            await ran(
                Plan(
                    targets=(server.target,),
                    participants=tokens(tmp_path, 20),
                    quiz="contest",
                    seed=seed,
                    connections=1,
                )
            )
        given.append(quiz.answers)
    assert given[0] == given[1] != given[2]


async def test_who_thinks_holds_no_connection(tmp_path: Path) -> None:
    quiz = TinyQuiz()
    async with serving(quiz.answer) as server:
        began = monotonic()
        await ran(
            Plan(
                targets=(server.target,),
                participants=tokens(tmp_path, 20),
                quiz="contest",
                think_ms=300,
                connections=1,
            )
        )
        took = monotonic() - began
    starts = [asked.at for asked in server.asked if asked.path.endswith("/attempts")]
    submissions = [asked.at for asked in server.asked if asked.path.endswith("/submission")]
    assert len(starts) == len(submissions) == 20
    assert all(then - before >= 0.299 for before, then in zip(starts, submissions, strict=True))
    assert took < 2


BAD_PAPERS: dict[str, object] = {
    "a list": [],
    "nothing": {},
    "no questions": paper("a", ()),
    "no attempt": {"attempt_token": "t", "questions": [{"id": "q1"}]},
    "an id that would end the line": paper("a\r\nX: y"),
    "an id that is too long": paper("a" * 65),
    "a question without id": {**paper("a"), "questions": [{"options": [{"id": "A"}]}]},
    "a question that is none": {**paper("a"), "questions": [1, 2]},
    "questions that are none": {**paper("a"), "questions": "q1"},
    "too many questions": paper("a", [f"q{number}" for number in range(201)]),
    "a token that is too long": {**paper("a"), "attempt_token": "t" * 2049},
    "a token that is none": {**paper("a"), "attempt_token": None},
}


@pytest.mark.parametrize("body", BAD_PAPERS.values(), ids=BAD_PAPERS)
async def test_a_paper_that_is_none_is_counted(tmp_path: Path, body: object) -> None:
    async def bad(_: Asked) -> Reply:
        return http(201, body)

    async with serving(bad) as server:
        load = await ran(Plan(targets=(server.target,), participants=tokens(tmp_path, 2), quiz="contest"))
    assert load.steps["start"].failed == {"answer": 2}
    assert len(server.asked) == 2


async def test_a_paper_cut_off_anywhere_is_counted(tmp_path: Path) -> None:
    whole = http(201, paper("a", ["q1"])).partition(b"\r\n\r\n")[2]
    lengths = count()

    async def cut(_: Asked) -> Reply:
        body = whole[: next(lengths)]
        return b"HTTP/1.1 201 Created\r\ncontent-length: %d\r\n\r\n" % len(body) + body

    async with serving(cut) as server:
        plan = Plan(targets=(server.target,), participants=tokens(tmp_path, len(whole)), quiz="contest")
        load = await ran(plan)
    assert load.steps["start"].failed == {"answer": len(whole)}


async def test_the_largest_paper_is_answered(tmp_path: Path) -> None:
    questions = [f"{number:03}" + "q" * 61 for number in range(200)]
    submitted: list[bytes] = []

    async def largest(asked: Asked) -> Reply:
        if asked.path.endswith("/attempts"):
            return http(201, {**paper("a" * 64), "attempt_token": "t" * 2048} | _only_ids(questions))
        submitted.append(asked.body)
        return http(202, {"receipt_id": "r", "attempt_id": "a" * 64})

    async with serving(largest) as server:
        load = await ran(Plan(targets=(server.target,), participants=tokens(tmp_path, 3), quiz="q" * 64))
    assert load.steps["submit"].by_status == {202: 3}
    assert all(body.count(b'":"') == 200 for body in submitted)


def _only_ids(questions: list[str]) -> dict[str, object]:
    return {"questions": [{"id": question} for question in questions]}


@pytest.mark.parametrize("receipt", [{}, {"receipt_id": "r"}, {"receipt_id": "r", "attempt_id": "another"}])
async def test_an_acknowledgement_without_receipt_is_counted(tmp_path: Path, receipt: object) -> None:
    async def no_receipt(asked: Asked) -> Reply:
        return http(201, paper("a")) if asked.path.endswith("/attempts") else http(202, receipt)

    async with serving(no_receipt) as server:
        load = await ran(Plan(targets=(server.target,), participants=tokens(tmp_path, 1), quiz="contest"))
    assert load.steps["submit"].failed == {"answer": 1}


async def test_watching_goes_on_through_failures(tmp_path: Path) -> None:
    quiz = TinyQuiz(polls_until_graded=1)
    broken = count()

    async def break_polls(asked: Asked) -> Reply:
        if asked.path.endswith("/result") and next(broken) < 2:
            return None
        return await quiz.answer(asked)

    async with serving(break_polls) as server:
        plan = Plan(targets=(server.target,), participants=tokens(tmp_path, 1), quiz="contest", watch=1)
        load = await ran(plan)
    assert load.steps["result_get"].failed == {"reset": 2}
    assert load.steps["result_wait"].count == 1


async def test_turned_away_starts_and_submissions_are_sent_again(tmp_path: Path) -> None:
    quiz = TinyQuiz()
    numbers = count()

    async def busy(asked: Asked) -> Reply:
        return http(503, None, "retry-after: 0") if next(numbers) % 2 else await quiz.answer(asked)

    async with serving(busy) as server:
        load = await ran(
            Plan(targets=(server.target,), participants=tokens(tmp_path, 20), quiz="contest", retry_503=True)
        )
    assert load.steps["submit"].by_status == {202: 20}
    assert load.steps["start"].turned_away + load.steps["submit"].turned_away >= 20


async def test_all_connections_are_opened_before_anything_begins(tmp_path: Path) -> None:
    async with serving(yes) as server:
        plan = Plan(
            targets=(server.target,),
            requests=written(tmp_path, 40),
            # So slow that one connection would do.
            rate=200.0,
            connections=30,
            connect_first=True,
        )
        load = await ran(plan)
    assert load.steps["request"].by_status == {200: 40}
    assert load.connections_opened == len(server.opened_at) == 30


@pytest.mark.parametrize("connecting", [False, True])
async def test_in_a_burst_nobody_submits_before_all_have_started(tmp_path: Path, connecting: bool) -> None:
    quiz = TinyQuiz(polls_until_graded=1)

    async def slow_start(asked: Asked) -> Reply:
        if asked.token == "token.of-17":
            await asyncio.sleep(0.3)
        # One who is refused must not keep the others waiting.
        return http(409) if asked.token == "token.of-3" else await quiz.answer(asked)

    async with serving(slow_start) as server:
        plan = Plan(
            targets=(server.target,),
            participants=tokens(tmp_path, 300),
            quiz="contest",
            watch=10,
            burst=True,
            burst_connect=connecting,
        )
        load = await ran(plan)
    kinds = ["start" if path.endswith("/attempts") else "later" for path in server.paths()]
    assert kinds[:300] == ["start"] * 300
    assert sum(before != then for before, then in pairwise(kinds)) == 1
    assert load.steps["start"].by_status == {201: 299, 409: 1}
    assert load.steps["submit"].by_status == {202: 299}
    assert load.steps["result_wait"].count == 30
    assert load.connections_opened == len(server.opened_at) == 300
    # Each on its own connection, from the start to the submission.
    assert Counter(asked.connection for asked in server.asked[:300]).most_common(1)[0][1] == 1


# What it says when it cannot


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        (Plan(targets=()), "--target"),
        (Plan(targets=("127.0.0.1",)), "HOST:PORT"),
        (Plan(targets=("127.0.0.1:1",)), "--requests FILE or --participants FILE"),
        (Plan(targets=("127.0.0.1:1",), participants=Path("/dev/null")), "--quiz"),
        (Plan(targets=("127.0.0.1:1",), requests=Path("/nowhere")), "/nowhere"),
        (Plan(targets=("127.0.0.1:1",), requests=Path("/dev/null")), "nothing to send"),
        (Plan(targets=("127.0.0.1:1",), requests=Path("x"), connections=20_001), "20000"),
        (Plan(targets=("127.0.0.1:1",), requests=Path("x"), rate=0), "--rate"),
        (Plan(targets=("127.0.0.1:1",), requests=Path("x"), letters="AXE"), "--letters"),
    ],
)
def test_a_plan_that_cannot_be_is_refused_with_the_reason(
    plan: Plan, said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(LoadClientError, match="load client ended with 2"):
        run(plan)
    assert said in capfd.readouterr().err


@pytest.mark.parametrize("spoilt", [b"\x05\0\0\0abc", b"\0\0\0\0", b"\x01", b"\xff\xff\xff\xffabc"])
def test_a_file_that_is_cut_off_is_refused(
    tmp_path: Path, spoilt: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "requests"
    requests_file(path, [request(1)])
    path.write_bytes(path.read_bytes() + spoilt)
    with pytest.raises(LoadClientError):
        run(Plan(targets=("127.0.0.1:1",), requests=path))
    assert "request 2" in capfd.readouterr().err


def test_a_token_that_would_end_the_line_is_refused(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "tokens"
    path.write_text("good\nbad one\n")
    with pytest.raises(LoadClientError):
        run(Plan(targets=("127.0.0.1:1",), participants=path, quiz="contest"))
    assert "token 2" in capfd.readouterr().err


def test_without_a_compiler_the_error_says_what_to_do() -> None:
    with pytest.raises(LoadClientError, match="make setup"):
        build({"KEPU_CC": "no-such-compiler"})
    with pytest.raises(LoadClientError, match="KEPU_CC"):
        build({"KEPU_CC": "false"})
