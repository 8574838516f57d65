"""What a revocation makes of an award."""

from datetime import timedelta

import pytest

from services.awards.issued.rules import ERASED_REASON, Award, check_not_revoked, revoked
from shared.runtime.errors import Conflict
from tests.awards.builders import NOW

LATER = NOW + timedelta(days=1)


def award() -> Award:
    return Award("a", "KW-00000-00000", "s", "合格证书", "certificate", None, "p", "r", NOW, relayed=False)


def test_a_revocation_says_when_and_why_and_counts_a_version() -> None:
    after = revoked(award(), "成绩复核后撤销", NOW, erased=False)
    assert (after.is_valid, after.revoked_at, after.reason, after.version) == (
        False,
        NOW,
        "成绩复核后撤销",
        2,
    )


def test_a_repeat_with_the_same_reason_changes_nothing() -> None:
    after = revoked(award(), "授予有误", NOW, erased=False)
    assert revoked(after, "授予有误", LATER, erased=False) is after


def test_a_repeat_with_another_reason_is_refused() -> None:
    after = revoked(award(), "授予有误", NOW, erased=False)
    with pytest.raises(Conflict) as refused:
        revoked(after, "成绩复核后撤销", LATER, erased=False)
    assert refused.value.code == "award_revoked"


def test_of_the_erased_no_words_are_kept_and_a_repeat_may_give_any_reason() -> None:
    after = revoked(award(), "张三冒领", NOW, erased=True)
    assert after.reason == ERASED_REASON
    assert revoked(after, "张三冒领", LATER, erased=True) is after
    # Revoked first and erased then: the words are removed a moment after the erasure is known.
    before = revoked(award(), "张三冒领", NOW, erased=False)
    assert revoked(before, "授予有误", LATER, erased=True) is before


def test_a_revoked_award_is_not_conferred_again() -> None:
    check_not_revoked(award())
    with pytest.raises(Conflict) as refused:
        check_not_revoked(revoked(award(), "授予有误", NOW, erased=False))
    assert refused.value.code == "award_revoked"
