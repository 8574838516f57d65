"""A crowd that takes part in the contest: start, think, submit. Some wait for the result."""

from pathlib import Path

from bench import crowds
from bench.bench import Bench
from bench.load.client import Load, Plan

PEAK_RATE = 2_315.0
CONNECTIONS = 2_000
# One in this many asks for the result until it is there. These requests cost the server time too.
WATCH = 20
THINK_MS = 1_000
# Time for those still under way after the last one has started.
FINISH_SECONDS = 5
READ_SECONDS_MAX = 180.0


def take_part(bench: Bench, crowd: str, rate: float, seconds: float) -> Load:
    """Prepare a crowd, and let it take part at this rate."""
    return take_part_prepared(bench, crowds.write_tokens(bench, crowd, int(rate * seconds)), rate, seconds)


def take_part_prepared(bench: Bench, tokens: Path, rate: float, seconds: float) -> Load:
    """The same with a crowd that was prepared before. Its file is removed."""
    load = bench.load(
        Plan(
            targets=(bench.lab.target("quiz-1"),),
            participants=tokens,
            quiz=bench.lab.contest.quiz_id,
            rate=rate,
            connections=CONNECTIONS,
            watch=WATCH,
            think_ms=THINK_MS,
            seconds=seconds + FINISH_SECONDS,
            acknowledged=bench.file("acknowledged"),
        )
    )
    tokens.unlink()
    return load
