"""CPU seconds and resident memory of named processes while something runs."""

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Self, TypeVar

import psutil

SAMPLE_SECONDS = 0.1
PER = 10_000

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Sample:
    """The figures at one moment of `time.monotonic`. A process that has ended keeps its last figures."""

    at: float
    cpu_seconds: Mapping[str, float]
    memory_bytes: Mapping[str, int]


@dataclass(slots=True)
class Meter:
    """
    Samples named processes until the end of the block.

    CPU time has steps of 10 ms, so it is meaningful over a second and more.
    """

    pids: Mapping[str, int]
    every_seconds: float = SAMPLE_SECONDS
    samples: list[Sample] = field(default_factory=list)
    _processes: dict[str, psutil.Process] = field(default_factory=dict)
    _ended: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._processes = {name: psutil.Process(pid) for name, pid in self.pids.items()}
        self._take()
        self._thread = threading.Thread(target=self._go_on, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        if self._thread is not None:
            self._thread.join()
        self._take()

    def cpu_seconds(self, start: float | None = None, end: float | None = None) -> dict[str, float]:
        """The CPU seconds of each process between two moments, by default between first and last sample."""
        first = self.samples[0] if start is None else self._at(start)
        last = self.samples[-1] if end is None else self._at(end)
        return {name: last.cpu_seconds[name] - first.cpu_seconds[name] for name in self.pids}

    def memory_mb(self) -> dict[str, float]:
        """The resident memory of each process at the last sample."""
        return {name: bytes_ / 2**20 for name, bytes_ in self.samples[-1].memory_bytes.items()}

    def memory_growth(self, warm_seconds: float) -> dict[str, float]:
        """For each process: median memory in the last third divided by that in the first, after warm-up."""
        begun = self.samples[0].at + warm_seconds
        warm = [sample for sample in self.samples if sample.at >= begun] or self.samples
        third = max(1, len(warm) // 3)
        return {
            name: median(s.memory_bytes[name] for s in warm[-third:])
            / max(1, median(s.memory_bytes[name] for s in warm[:third]))
            for name in self.pids
        }

    def _at(self, moment: float) -> Sample:
        return min(self.samples, key=lambda sample: abs(sample.at - moment))

    def _go_on(self) -> None:
        while not self._ended.wait(self.every_seconds):
            self._take()

    def _take(self) -> None:
        last = self.samples[-1] if self.samples else Sample(0.0, {}, {})
        cpu, memory = dict(last.cpu_seconds), dict(last.memory_bytes)
        for name, process in self._processes.items():
            try:
                with process.oneshot():
                    times = process.cpu_times()
                    cpu[name] = times.user + times.system
                    memory[name] = process.memory_info().rss
            except psutil.Error:
                cpu.setdefault(name, 0.0)
                memory.setdefault(name, 0)
        self.samples.append(Sample(time.monotonic(), cpu, memory))


def interleaved(variants: Sequence[T], rounds: int) -> Iterator[tuple[int, T]]:
    """Every variant once in each round. Each round begins with another one, so none always comes first."""
    for round_ in range(rounds):
        shift = round_ % len(variants)
        for variant in (*variants[shift:], *variants[:shift]):
            yield round_, variant


def per_ten_thousand(cpu_seconds: Mapping[str, float], items: int) -> dict[str, float]:
    """Core-seconds for 10,000 items."""
    return {name: seconds * PER / max(1, items) for name, seconds in cpu_seconds.items()}


def microseconds_each(cpu_seconds: Mapping[str, float], items: int) -> dict[str, float]:
    """CPU microseconds for one item."""
    return {name: seconds * 1e6 / max(1, items) for name, seconds in cpu_seconds.items()}
