from ops.failover.gaps import longest_gap


def test_the_longest_time_between_two_moments_counts_and_so_do_the_ends() -> None:
    assert longest_gap([3.0, 1.0, 2.5], 0.0, 4.0) == 1.5
    assert longest_gap([1.0], 0.0, 10.0) == 9.0
    assert longest_gap([9.0, 99.0], 0.0, 10.0) == 9.0
    assert longest_gap([], 5.0, 7.0) == 2.0
