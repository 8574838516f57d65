"""Random bytes: of the size that is asked for, and none is given out twice."""

import multiprocessing
from concurrent.futures import ThreadPoolExecutor

import pytest

from shared.runtime.random_bytes import TAKEN_AT_ONCE, random_bytes

PIECE = 32
# Several times what the kernel gives at once.
PIECES = 4 * TAKEN_AT_ONCE // PIECE + 1


def some() -> list[bytes]:
    return [random_bytes(PIECE) for _ in range(PIECES)]


@pytest.mark.parametrize("size", [1, 10, 24, 32, TAKEN_AT_ONCE])
def test_as_many_as_asked_for(size: int) -> None:
    assert [len(random_bytes(size)) for _ in range(3)] == [size] * 3


def test_none_is_given_out_twice() -> None:
    assert len(set(some())) == PIECES


def test_none_is_given_to_two_threads() -> None:
    with ThreadPoolExecutor(4) as threads:
        given = [piece for of in threads.map(lambda _: some(), range(8)) for piece in of]
    assert len(set(given)) == 8 * PIECES


def test_a_forked_process_gives_others_than_its_parent() -> None:
    random_bytes(PIECE)
    with multiprocessing.get_context("fork").Pool(1) as child:
        theirs = child.apply(some)
    assert not set(theirs) & set(some())
