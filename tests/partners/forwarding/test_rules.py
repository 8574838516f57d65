"""How much a partner may do."""

import pytest

from services.partners.forwarding.rules import (
    BATCH_EVENTS_MAX,
    BURST_SECONDS,
    DECIDED_PER_SECOND,
    HELD_SECONDS_MAX,
    SOURCE_FOREIGN,
    WAIT_SECONDS_MAX,
    WAITING_MAX,
    Pace,
    refusal_of,
    share_of,
)
from shared.contracts.partners import PARTNERS_MAX
from shared.messaging.policy import ConsumerPolicy
from tests.partners.builders import a_partner


@pytest.mark.parametrize("topic", WAITING_MAX)
@pytest.mark.parametrize("partners", range(1, PARTNERS_MAX + 1))
def test_however_many_partners_there_are_nobody_waits_longer_behind_them(topic: str, partners: int) -> None:
    share = share_of(topic, partners)
    assert share >= 1
    assert share * partners / DECIDED_PER_SECOND[topic] <= WAIT_SECONDS_MAX


def test_a_batch_of_the_slowest_partner_ends_before_anybody_thinks_that_it_hangs() -> None:
    policy = ConsumerPolicy()
    assert policy.silence_seconds_max > BATCH_EVENTS_MAX
    assert BATCH_EVENTS_MAX * HELD_SECONDS_MAX > policy.blocked_seconds > HELD_SECONDS_MAX


def test_only_the_partners_own_source_is_its_own() -> None:
    partner = a_partner("hall", source="schools/hall")
    assert refusal_of(partner, "schools/hall") is None
    for source in ("hall", "schools/hall/2", "kepu/quiz", "", "x" * 1_000):
        refused = refusal_of(partner, source)
        assert refused is not None
        assert refused.code == SOURCE_FOREIGN


def test_records_are_spread_to_the_rate() -> None:
    pace, now, sent = Pace(10), 1_000.0, 0
    ends = now + 20.0
    while now < ends:
        now += pace.wait_seconds(now, 5)
        sent += 5
    assert sent <= 10 * (20.0 + BURST_SECONDS) + 5


def test_a_burst_goes_at_once_after_a_rest_and_no_more_than_one() -> None:
    pace = Pace(10)
    assert pace.wait_seconds(1_000.0, 10) == 0.0
    assert pace.wait_seconds(1_000.0, 1) == pytest.approx(0.1)
    assert pace.wait_seconds(2_000.0, 10) == 0.0
    assert pace.wait_seconds(2_000.0, 10) == pytest.approx(1.0)
