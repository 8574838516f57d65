"""How slow the core is: bounds that catch a mistake of ten times must not fail because a machine is slow."""

from time import process_time

# A usual core does this in 0.1 s.
ROUNDS = 1_800_000
USUAL_SECONDS = 0.1


def slowness() -> float:
    """How much slower than a usual core this one is now, at least 1: 2.0 takes twice as long for the same."""
    began = process_time()
    squares = 0
    for number in range(ROUNDS):
        squares += number * number
    return max(1.0, (process_time() - began) / USUAL_SECONDS)
