"""Which schemes are refused."""

import pytest
from pydantic import ValidationError

from services.awards.schemes.rules import check_decidable
from shared.contracts.events import STANDINGS_MAX
from shared.runtime.errors import Rejected
from tests.awards.builders import prizes, scheme


def test_more_places_than_a_closing_lists_are_refused() -> None:
    check_decidable(prizes("contest", gold=10, silver=STANDINGS_MAX - 10))
    with pytest.raises(Rejected) as refused:
        check_decidable(prizes("contest", gold=10, silver=1_200))
    assert refused.value.code == "places_above_standings"


def test_a_misspelt_rule_and_tiers_of_one_name_are_refused() -> None:
    for rule in (
        {"type": "pass_mark", "quiz_id": "contest", "score": 60},
        {"type": "rank_tiers", "quiz_id": "contest", "tiers": []},
        {"type": "rank_tiers", "quiz_id": "contest", "tiers": [{"tier": "gold", "places": 1}] * 2},
        {
            "type": "rank_tiers",
            "quiz_id": "contest",
            "tiers": [{"tier": "Gold", "places": 1}, {"tier": "ＧＯＬＤ", "places": 1}],
        },
        {
            "type": "rank_tiers",
            "quiz_id": "contest",
            "tiers": [{"tier": "gold", "places": 1, "prize": "a pen"}],
        },
        {"type": "lottery"},
    ):
        with pytest.raises(ValidationError):
            scheme(rule=rule)
