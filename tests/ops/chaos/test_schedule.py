"""Which faults come: the same ones from the same seed, each kind, and everybody in turn."""

from collections import Counter
from itertools import pairwise

import pytest

from ops.chaos import child
from ops.chaos.schedule import KINDS, LONG_STOP_SECONDS, NET, SHORT_STOP_SECONDS, Cast, schedule
from shared.messaging.policy import ConsumerPolicy
from shared.storage.lease import Term

SERVICES = ("registration", "quiz", "quiz-worker")
CAST = Cast(SERVICES, crash_points=[("quiz", point) for point in child.INTAKE])


def test_a_seed_gives_the_same_faults_again_and_another_one_gives_others() -> None:
    assert schedule(7, 60, CAST) == schedule(7, 60, CAST)
    assert schedule(7, 60, CAST) != schedule(8, 60, CAST)


def test_there_are_as_many_faults_as_asked_for_and_of_each_kind() -> None:
    faults = schedule(1, 60, CAST)
    assert len(faults) == 60
    counts = Counter(fault.kind for fault in faults)
    assert set(counts) == set(KINDS) - {"leader"}
    assert min(counts[kind] for kind in counts if kind != "crash") >= 5


def test_every_crash_point_comes_however_few_faults_are_asked_for() -> None:
    faults = schedule(1, 1, CAST)
    assert {(fault.victims[0], fault.detail) for fault in faults} == set(CAST.crash_points)


def test_every_process_is_killed_and_stopped_and_cut_off_from_both_servers() -> None:
    faults = schedule(3, 200, CAST)
    for kind in ("kill", "stop", "long_stop"):
        assert {fault.victims[0] for fault in faults if fault.kind == kind} == {*SERVICES, "kafka", "mongo"}
    for kind in (*NET, "stall"):
        suffered = {(fault.victims[0], fault.detail) for fault in faults if fault.kind == kind}
        assert suffered == {(name, server) for name in SERVICES for server in ("kafka", "mongo")}


def test_a_clock_jumps_forwards_and_backwards_near_and_far() -> None:
    jumps = {fault.detail for fault in schedule(3, 300, CAST) if fault.kind == "clock"}
    assert jumps == {"+90 s", "-90 s", "+4 s", "-4 s", "+3600 s"}


def test_no_process_suffers_twice_in_a_row_where_that_can_be_avoided() -> None:
    faults = schedule(5, 100, CAST)
    together = sum(bool(set(one.victims) & set(other.victims)) for one, other in pairwise(faults))
    assert together <= 3


def test_only_the_kinds_that_were_named_come() -> None:
    assert {fault.kind for fault in schedule(1, 10, CAST, ("kill", "clock"))} == {"kill", "clock"}
    with pytest.raises(ValueError, match="earthquake"):
        schedule(1, 10, CAST, ("earthquake",))


def test_a_cluster_has_leaders_and_no_proxies() -> None:
    cluster = Cast(SERVICES, ("kafka", "kafka-2", "kafka-3", "mongo", "mongo-2", "mongo-3"))
    kinds = {fault.kind for fault in schedule(1, 60, cluster)}
    assert kinds == set(KINDS) - {*NET, "stall", "crash"}


def test_stops_outlast_leases_and_sessions() -> None:
    assert Term().seconds < SHORT_STOP_SECONDS
    policy = ConsumerPolicy()
    assert policy.session_seconds + policy.heartbeat_seconds < LONG_STOP_SECONDS


def test_every_place_where_a_process_can_die_is_passed_by_some_service() -> None:
    passed = {point for points in child.PASSES.values() for point in points} | {*child.INTAKE}
    assert passed == set(child.POINTS)
