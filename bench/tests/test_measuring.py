"""What the bench is made of: made-up people, meters, tables, that need no servers."""

import os
from collections import Counter
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import pytest

from bench.contest import Contest, Signer, person_of
from bench.lines.pages import UNNAMED, page_of
from bench.measure import Meter, Sample, interleaved, microseconds_each, per_ten_thousand
from bench.report import Criterion, Outcome
from pages.build import build
from services.quiz.attempts.submission import answered, decode
from services.quiz.attempts.tokens import AttemptTokens
from shared.web.tokens import TokenVerifier, new_key_pair

KEY = "a-secret-of-at-least-thirty-two-characters"


def test_tokens_signed_by_the_thousand_verify_like_any_other() -> None:
    private, public = new_key_pair()
    token = next(Signer(private).sign(iter(["a-person"])))
    assert TokenVerifier(public).verify(token, datetime.now(UTC)).participant_id == "a-person"


def test_people_of_a_crowd_are_the_same_every_time_and_others_in_another() -> None:
    assert person_of("one", 7) == person_of("one", 7)
    assert len({person_of(crowd, number) for crowd in ("one", "two") for number in range(100)}) == 200


def test_a_prepared_record_is_what_intake_would_write() -> None:
    contest = Contest.of_now()
    sheet = next(contest.sheets("crowd", 1))
    now = datetime.now(UTC)
    (submission,) = decode([contest.record(sheet, now)])
    assert (submission.attempt_id, submission.participant_id) == (sheet.attempt_id, sheet.participant_id)
    assert submission.submitted_at == now
    assert len(submission.answers) == sum(contest.quiz.blueprint.values())


def test_a_prepared_request_carries_its_attempts_token_and_answers() -> None:
    contest, tokens = Contest.of_now(), AttemptTokens(KEY)
    request = next(contest.submissions("crowd", 1, tokens))
    head, _, body = request.partition(b"\r\n\r\n")
    token = next(line for line in head.split(b"\r\n") if line.startswith(b"Authorization")).split()[-1]
    claims = tokens.verify(token.decode())
    assert f"POST /attempts/{claims.attempt_id}/submission " in head.decode()
    assert f"Content-Length: {len(body)}" in head.decode()
    assert answered.decode(body).answers


def test_most_prepared_sheets_are_answered_right_but_not_all() -> None:
    contest = Contest.of_now()
    answers = Counter(sheet.answers for sheet in islice(contest.sheets("crowd", 500), 500))
    assert len(answers) > 100


def test_every_variant_has_its_turn_in_every_round_and_begins_one() -> None:
    turns = list(interleaved(["a", "b", "c"], 3))
    assert Counter(turns) == Counter({(n, one): 1 for n in range(3) for one in "abc"})
    assert [turns[0][1], turns[3][1], turns[6][1]] == ["a", "b", "c"]


def test_cpu_time_is_told_for_each_item() -> None:
    assert microseconds_each({"api": 0.5}, 10_000) == {"api": 50.0}
    assert per_ten_thousand({"api": 0.5}, 20_000) == {"api": 0.25}


def test_a_meter_sees_what_this_process_uses() -> None:
    with Meter({"tests": os.getpid()}, every_seconds=0.02) as meter:
        sum(number * number for number in range(3_000_000))
    assert meter.cpu_seconds()["tests"] > 0
    assert meter.memory_mb()["tests"] > 10


def test_memory_that_grows_is_told_from_memory_that_does_not() -> None:
    meter = Meter({"leaking": 1, "flat": 2})
    meter.samples = [Sample(float(n), {}, {"leaking": 100 + 10 * n, "flat": 100}) for n in range(30)]
    growth = meter.memory_growth(warm_seconds=0)
    assert growth["leaking"] > 1.5
    assert growth["flat"] == 1.0


@pytest.mark.parametrize(
    ("sense", "found", "met"),
    [(">=", 0.8, True), (">=", 0.79, False), ("<=", 1.5, True), ("<", 1.0, False), ("=", 0.0, False)],
)
def test_a_criterion_is_met_or_not(sense: str, found: float, met: bool) -> None:
    wanted = {">=": 0.8, "<=": 1.5, "<": 1.0, "=": 1.0}[sense]
    assert Criterion("a figure", found, sense, wanted).met is met  # type: ignore[arg-type]


def test_of_several_runs_the_median_counts_and_ours_stands_first() -> None:
    outcome = Outcome("line", "title")
    for rate in (10.0, 1_000.0, 20.0):
        outcome.add("bare", {"rate": rate})
    outcome.add("ours", {"rate": 15.0})
    assert outcome.median("bare", "rate") == 20.0
    assert outcome.variants() == ["ours", "bare"]
    outcome.require_ratio("ours : bare", "rate", "bare", 0.8)
    assert not outcome.criteria[0].met
    assert outcome.to_json()["medians"]["bare"] == {"rate": 20.0}


def test_a_browser_fetches_a_page_and_all_that_it_names(tmp_path: Path) -> None:
    build(tmp_path)
    wanted, size_bytes = page_of(tmp_path, "contest")
    assert wanted[0] == "/contest"
    assert {*UNNAMED} < {*wanted}
    assert any(one.endswith("/views/contest.js") for one in wanted)
    assert len(wanted) == len({*wanted})
    assert 10_000 < size_bytes < 100_000
