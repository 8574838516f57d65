"""
Fuzzing that is guided by coverage: an input that reaches new lines is kept, and damaged further.

The lines of the modules that are named count, with the line before each. No library: the usual one is
compiled for some versions of Python and one platform only, and a fuzz test must run wherever the tests run.
"""

import random
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from types import FrameType, ModuleType
from typing import Any

from tests.fuzz.damage import damaged

# Of the inputs that are kept, the oldest go first.
KEPT_MAX = 2_000


@dataclass
class Corpus:
    """Inputs, each of which reached something new."""

    kept: list[bytes] = field(default_factory=list)
    reached: set[tuple[str, int, int]] = field(default_factory=set)

    def add(self, one: bytes, lines: set[tuple[str, int, int]]) -> None:
        """Keep an input if it reached something new."""
        if not lines <= self.reached:
            self.reached |= lines
            self.kept = [*self.kept, one][-KEPT_MAX:]


class Traced:
    """Notes which lines of some modules run, each with the line before it."""

    def __init__(self, modules: Iterable[ModuleType]) -> None:
        self._files = {module.__file__ for module in modules}
        self.lines: set[tuple[str, int, int]] = set()
        self._before = 0

    def __enter__(self) -> "Traced":
        self.lines = set()
        self._others = sys.gettrace()
        sys.settrace(self._call)
        return self

    def __exit__(self, *_: object) -> None:
        sys.settrace(self._others)

    def _call(self, frame: FrameType, _event: str, _: Any) -> Any:
        return self._line if frame.f_code.co_filename in self._files else None

    def _line(self, frame: FrameType, event: str, _: Any) -> Any:
        if event == "line":
            self.lines.add((frame.f_code.co_filename, self._before, frame.f_lineno))
            self._before = frame.f_lineno
        return self._line


def explore(
    target: Callable[[bytes], None],
    seeds: Sequence[bytes],
    modules: Sequence[ModuleType],
    *,
    inputs: int,
    dice: random.Random,
    mutate: Callable[[bytes, random.Random, Sequence[bytes]], bytes] = damaged,
) -> Corpus:
    """
    Give the target so many inputs, made of the seeds and of what they have led to.

    Raises:
        whatever the target raises, which is what was looked for.
    """
    corpus, traced = Corpus(), Traced(modules)
    for number in range(inputs):
        # A new input is damaged more often than an old one: it is nearer to what nobody has reached yet.
        if number < len(seeds):
            one = seeds[number]
        elif not corpus.kept or dice.random() < 0.1:
            one = mutate(dice.choice(seeds), dice, corpus.kept)
        else:
            latest = corpus.kept[-20:] if dice.random() < 0.5 else corpus.kept
            one = mutate(dice.choice(latest), dice, corpus.kept)
        with traced:
            target(one)
        corpus.add(one, traced.lines)
    return corpus
