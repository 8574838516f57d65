"""From participants to processes: more of one never means less of another."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ops.capacity import costs
from ops.capacity.costs import Costs, CostsUnreadable, Work
from ops.capacity.plan import DAY, HOUR, PEAK_HOUR, WAY, Wish, arrivals_of, plan
from ops.cli import app

COSTS = Costs(
    registration=Work(
        cpu_us={"registration": 400, "kafka": 40, "mongod": 200}, kafka_bytes=600, mongo_bytes=1_000
    ),
    attempt=Work(
        cpu_us={
            "quiz": 200,
            "quiz-worker": 100,
            "awards": 80,
            "notifications": 90,
            "kafka": 70,
            "mongod": 150,
        },
        kafka_bytes=1_000,
        mongo_bytes=1_500,
    ),
    start_seconds=10,
    machine="a machine",
    measured_at="2026-11-28",
)


def wish(participants: float = 1e8, **more: float) -> Wish:
    return Wish(participants, days=12, peak_hour_factor=20, attempts=12, **more)


def test_the_peak_hour_has_its_share_of_the_week() -> None:
    wanted = wish()
    curve = arrivals_of(wanted)
    assert curve((PEAK_HOUR + 0.5) * HOUR) == pytest.approx(wanted.mean_rate * 20)
    assert curve(3 * HOUR) == pytest.approx(wanted.mean_rate * (24 - 20) / 23)
    assert sum(curve(at) for at in range(0, int(DAY), 60)) * 60 == pytest.approx(
        wanted.mean_rate * DAY, rel=0.25
    )


def test_processes_carry_the_peak_and_partitions_their_workers() -> None:
    found = plan(wish(), COSTS)
    for name, (_, most) in found.processes.items():
        share = 1 / 12 if name == "registration" else 1.0
        work = COSTS.registration if name == "registration" else COSTS.attempt
        assert most >= share * found.wish.peak_rate * work.cpu_us[name] / 1e6
    assert found.partitions >= found.processes["quiz-worker"][1]
    assert found.partitions % 12 == 0
    assert found.age_max <= found.wish.results_seconds


def test_results_that_must_be_faster_need_more_processes_from_the_start() -> None:
    slow, fast = (plan(wish(results_seconds=wanted, ramp_seconds=0), COSTS) for wanted in (600, 4))
    assert all(fast.processes[name][0] >= slow.processes[name][0] for name in WAY)
    assert sum(low for low, _ in fast.processes.values()) > sum(low for low, _ in slow.processes.values())
    assert fast.age_max < slow.age_max


def test_disks_hold_the_week_with_its_copies() -> None:
    found = plan(wish(), COSTS)
    week = 1e8 * 12
    assert found.brokers * found.kafka_bytes >= 3 * 1_000 * week
    assert found.shards * found.mongo_bytes >= 1_500 * week


def test_every_deployment_survives_one_process() -> None:
    assert {least for least, _ in plan(wish(10_000), COSTS).processes.values()} == {2}


def test_the_command_prints_what_programs_need(tmp_path: Path) -> None:
    file = tmp_path / "costs.json"
    file.write_text(COSTS.model_dump_json())
    told = CliRunner().invoke(app, ["capacity", "--participants", "10e6", "--costs", str(file), "--json"])
    assert told.exit_code == 0, told.output
    figures = json.loads(told.output)
    assert figures["peak_attempts_per_second"] == pytest.approx(10e6 * 12 / (12 * DAY) * 20)
    assert len(figures["hours"]) == 24
    shown = CliRunner().invoke(app, ["capacity", "--participants", "10e6", "--costs", str(file)])
    assert "in time" in shown.output


@pytest.mark.parametrize("content", [None, "", "{}", '{"registration": 1}'])
def test_costs_that_cannot_be_read_say_how_to_measure_them(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "costs.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises(CostsUnreadable, match="python -m bench capacity"):
        costs.read(file)


def test_the_measured_costs_of_this_release_can_be_read() -> None:
    assert costs.read().attempt.cpu_us.keys() == COSTS.attempt.cpu_us.keys()
