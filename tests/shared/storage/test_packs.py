"""Packs: what they hold comes out again, and what is remembered of them is bounded."""

from shared.messaging.publisher import Record
from shared.storage.packs import PACK_BYTES_MAX, PACK_EVENTS_MAX, Written, in_packs, packed, unpacked


def record(number: int, size_bytes: int = 10) -> Record:
    return "topic", f"key-{number}".encode(), bytes(size_bytes), [("ce_id", str(number).encode())]


GONE: Record = ("topic", b"key", None, [])


def test_what_is_packed_comes_out_as_it_was() -> None:
    records = [record(1), GONE, record(2, 100_000)]
    assert unpacked(packed(records)) == records


def test_a_pack_has_so_many_events_or_bytes_and_all_keep_their_order() -> None:
    records = [record(number) for number in range(PACK_EVENTS_MAX + 1)]
    records += [record(number, PACK_BYTES_MAX // 2 + 1) for number in range(3)]
    packs = list(in_packs(records))
    assert [len(pack) for pack in packs] == [PACK_EVENTS_MAX, 2, 1, 1]
    assert [one for pack in packs for one in pack] == records


def test_a_remembered_pack_is_given_once() -> None:
    written = Written()
    written.remember({"a": [record(1)], "b": [record(2)]})
    assert written.take("b") == [record(2)]
    assert written.take("b") is None
    assert written.take("never") is None
    assert written.take("a") == [record(1)]


def test_the_first_packs_are_forgotten_if_not_all_fit() -> None:
    written = Written(bytes_max=100)
    for name in "abc":
        written.remember({name: [record(1, 40)]})
    assert written.take("a") is None
    assert [written.take(name) for name in "bc"] == [[record(1, 40)]] * 2


def test_a_pack_that_does_not_fit_at_all_is_not_remembered() -> None:
    written = Written(bytes_max=100)
    written.remember({"small": [record(1, 40)], "large": [record(2, 101)]})
    assert written.take("large") is None
    written.remember({"next": [record(3, 100)]})
    assert written.take("next") == [record(3, 100)]
