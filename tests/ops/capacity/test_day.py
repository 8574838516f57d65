"""A simulated day: what comes in is done or waits, and the autoscaler comes too late, but comes."""

import pytest

from ops.capacity.day import Autoscaler, Moment, Stage, simulate

MS = 1_000.0


def stage(name: str, cpu_ms: float, beside_ms: float = 0.0, **scaling: float) -> Stage:
    chosen = {"least": 1, "most": 1, "start_seconds": 10.0, "look_seconds": 5.0, **scaling}
    return Stage(name, cpu_ms * MS, beside_ms * MS, Autoscaler(**chosen))  # type: ignore[arg-type]


def played(
    *stages: Stage, rate: float, coming_for: float = 100.0, seconds: float = 100.0, **more: float
) -> dict[str, list[Moment]]:
    return simulate(stages, lambda at: rate if at < coming_for else 0.0, seconds=seconds, **more)


def test_one_that_keeps_up_has_nothing_waiting() -> None:
    [*_, last] = played(stage("a", 1), rate=900)["a"]
    assert (last.waiting, last.age) == (0, 0)


def test_one_that_does_not_keep_up_falls_behind_by_the_difference() -> None:
    seen = played(stage("a", 1), rate=1_500, coming_for=60, seconds=200)["a"]
    at_60 = seen[59]
    assert at_60.waiting == pytest.approx(60 * 500)
    # What is done now had come after 40 s.
    assert at_60.age == pytest.approx(20, abs=1.5)
    assert next(one.at for one in seen if one.waiting == 0) == pytest.approx(90, abs=1.5)


def test_the_next_stage_gets_what_the_one_before_has_done() -> None:
    seen = played(stage("a", 1), stage("b", 2), rate=2_000, coming_for=10, seconds=60)
    assert sum(one.arrived for one in seen["b"]) == pytest.approx(20_000)
    assert seen["b"][-1].waiting == pytest.approx(0, abs=1e-6)
    assert max(one.arrived for one in seen["b"]) == pytest.approx(1_000)


@pytest.mark.parametrize("rate", [10, 700, 1_300, 5_000])
def test_nothing_is_lost_and_nothing_comes_from_nowhere(rate: float) -> None:
    for moments in played(stage("a", 1, most=3), stage("b", 3, most=4), rate=rate).values():
        came, done = sum(one.arrived for one in moments), sum(one.done for one in moments)
        assert came == pytest.approx(done + moments[-1].waiting)


def test_the_autoscaler_starts_what_is_needed_after_a_delay_and_never_more_than_may_be() -> None:
    seen = played(stage("a", 1, most=3, start_seconds=20.0), rate=2_500)["a"]
    assert seen[18].processes == 1
    assert seen[22].processes == 3
    assert max(one.processes for one in seen) == 3


def test_it_ends_them_again_once_it_was_calm_for_long_enough() -> None:
    seen = played(stage("a", 1, most=3, calm_seconds=50.0), rate=1_500, coming_for=40, seconds=300)["a"]
    empty = next(one.at for one in seen if one.at > 40 and one.waiting == 0)
    fewer = next(one.at for one in seen if one.at > 60 and one.processes == 1)
    assert fewer >= empty - 5 + 50


def test_stages_on_one_machine_share_its_cores() -> None:
    # Each person costs 4 ms in all, so two cores do 500 a second.
    seen = played(stage("a", 1, 1), stage("b", 1, 1), rate=800, cores=2)
    done = [one.done for one in seen["b"]][20:]
    assert sum(done) / len(done) == pytest.approx(500, rel=0.02)
