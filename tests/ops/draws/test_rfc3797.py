"""The rule of RFC 3797 gives the selections that its authors have published."""

from ops.draws.rfc3797 import key_of, selected

# The sample of the reference program of RFC 3797, section 6 (Eastlake, June 2004): 25 names, three sources.
SEEDS = ([9319], [2, 5, 12, 8, 10], [9, 18, 26, 34, 41, 45])
POOL = 25
PUBLISHED = [17, 7, 2, 16, 25, 23, 8, 24, 19, 13, 22, 5, 18, 9, 1, 4]


def test_the_published_selections_come_out() -> None:
    key = key_of(SEEDS)
    assert key == "9319./2.5.8.10.12./9.18.26.34.41.45./"
    assert selected(key, POOL, len(PUBLISHED)) == PUBLISHED


def test_everybody_is_selected_once() -> None:
    assert sorted(selected(key_of(SEEDS), POOL, 100)) == list(range(1, POOL + 1))
