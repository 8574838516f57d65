"""
The load client from Python: build it, run it, read its result.

Its own `--help` (bench/load/options.h) says what it does. A `Plan` has the same flags.

    load = run(Plan(targets=("127.0.0.1:8002",), requests=path, rate=2000, seconds=10))
    print(load.steps["request"].latency_ms)
"""

import hashlib
import os
import platform
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal

from pydantic import TypeAdapter, ValidationError

from bench.errors import LoadClientError

SOURCES = Path(__file__).parent
BUILT = Path(__file__).parent.parent.parent / ".kepu" / "bench"
# A compiler that comes as a Python package, so that none has to be installed.
ZIG = (sys.executable, "-m", "ziglang", "cc")
FLAGS = ("-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror")
BUILD_SECONDS_MAX = 300
# A run may take this long beyond its end: 30 s to finish what is under way, and some to print the result.
STOP_SECONDS_MAX = 40

StepName = Literal["start", "submit", "result_wait", "result_get", "request"]


@dataclass(frozen=True, slots=True)
class Latency:
    """Latencies in milliseconds, each within 1 %."""

    p50: float
    p90: float
    p99: float
    p999: float
    max: float
    mean: float


@dataclass(frozen=True, slots=True)
class Step:
    """
    One kind of request, or `result_wait`: from the sending of a submission to its result.

    `count` and `by_status` count the answers that ended the step. `turned_away` counts the requests that were
    sent again after a 503. `latency_ms` is that of answers below 400, None if there were none.
    """

    count: int
    rate: float
    turned_away: int
    by_status: Mapping[int, int]
    failed: Mapping[str, int]
    latency_ms: Latency | None


@dataclass(frozen=True, slots=True)
class Second:
    """What was completed in one second. `p99_ms` is that of the step that `Load.rate_of` names."""

    second: int
    failed: int
    turned_away: int
    p99_ms: float | None
    start: int = 0
    submit: int = 0
    result_wait: int = 0
    result_get: int = 0
    request: int = 0


@dataclass(frozen=True, slots=True)
class Warm:
    """The first seconds, which do not count in the figures."""

    seconds: float
    steps: Mapping[StepName, Step]


@dataclass(frozen=True, slots=True)
class Load:
    """
    The result of one run.

    `rate` is the number of answers a second, to the step that `rate_of` names. `not_begun` counts journeys
    that were due while the client was at its own limit. `sent_late_ms` says how long after their intended
    time requests were sent.
    """

    seconds: float
    rate: float
    rate_of: StepName
    cpu_seconds: float
    connections_opened: int
    not_begun: int
    sent_late_ms: Latency | None
    steps: Mapping[StepName, Step]
    warm: Warm
    timeline: tuple[Second, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to send, how fast, for how long: the client's flags. Give either `requests` or `participants`."""

    targets: tuple[str, ...]
    requests: Path | None = None
    participants: Path | None = None
    quiz: str | None = None
    think_ms: int | None = None
    letters: str | None = None
    watch: int | None = None
    poll_ms: int | None = None
    seed: int | None = None
    connections: int | None = None
    rate: float | None = None
    burst: bool = False
    burst_connect: bool = False
    connect_first: bool = False
    count: int | None = None
    seconds: float | None = None
    warm_seconds: float | None = None
    retry_503: bool = False
    timeout_ms: int | None = None
    acknowledged: Path | None = None
    progress: bool = False

    def arguments(self) -> list[str]:
        """The plan as command-line arguments of the client."""
        given = [f"--target={target}" for target in self.targets]
        for field in fields(self):
            value = getattr(self, field.name)
            flag = "--" + field.name.replace("_", "-")
            if field.name == "targets" or value is None or value is False:
                continue
            given.append(flag if value is True else f"{flag}={value}")
        return given


@dataclass(frozen=True, slots=True)
class Running:
    """A run under way, so that other things can be done meanwhile."""

    process: subprocess.Popen[bytes]

    def stop(self) -> None:
        """Begin no new journeys from now on. `wait` still returns the result."""
        self.process.send_signal(signal.SIGTERM)

    def wait(self, seconds_max: float | None = None) -> Load:
        """
        Wait for the result.

        Raises:
            LoadClientError: the client refused its plan, failed, or was not done after `seconds_max` and was
                killed.
        """
        try:
            result, _ = self.process.communicate(timeout=seconds_max)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
            raise LoadClientError(
                f"the load client was not done after {seconds_max:g} s: give it --seconds, or more time"
            ) from None
        if self.process.returncode != 0:
            raise LoadClientError(
                f"the load client ended with {self.process.returncode}: its reason is on stderr above"
            )
        try:
            return _load.validate_json(result)
        except ValidationError as error:
            raise LoadClientError(
                f"the load client's result is not what bench/load/client.py reads: {error}"
            ) from None


_load = TypeAdapter(Load)


def run(plan: Plan) -> Load:
    """Run a plan to its end. A plan without `seconds` ends with its file."""
    seconds_max = None if plan.seconds is None else plan.seconds + STOP_SECONDS_MAX
    running = start(plan)
    try:
        return running.wait(seconds_max)
    except BaseException:
        running.process.kill()
        running.process.wait()
        raise


def start(plan: Plan) -> Running:
    """Build the client if need be, and start a plan. Its messages go to this process's stderr."""
    return Running(subprocess.Popen([str(build()), *plan.arguments()], stdout=subprocess.PIPE))


def requests_file(path: Path, requests: Iterable[bytes]) -> int:
    """Write complete HTTP requests for `Plan.requests`. Returns how many there were."""
    written = 0
    with path.open("wb") as file:
        for request in requests:
            file.write(len(request).to_bytes(4, "little") + request)
            written += 1
    return written


def build(environment: Mapping[str, str] = os.environ) -> Path:
    """
    Compile the client, once for each state of its sources. Returns the program.

    `KEPU_CC` names another compiler than that of the lock file. It may have flags.

    Raises:
        LoadClientError: this is not Linux, there is no compiler, or the compiler failed.
    """
    if platform.system() != "Linux":
        raise LoadClientError("the load client uses epoll: run it on Linux (the servers may be anywhere)")
    compiler = tuple(shlex.split(environment.get("KEPU_CC", ""))) or ZIG
    built = BUILT / f"load-{_fingerprint(compiler)}"
    if built.exists():
        return built
    BUILT.mkdir(parents=True, exist_ok=True)
    # A name of its own until it is complete: another process may be building the same.
    unfinished = built.with_suffix(f".{os.getpid()}")
    command = [*compiler, *FLAGS, "-o", str(unfinished), str(SOURCES / "load.c")]
    compiling = {
        **environment,
        "ZIG_GLOBAL_CACHE_DIR": str(BUILT / "zig"),
        "ZIG_LOCAL_CACHE_DIR": str(BUILT / "zig"),
    }
    try:
        done = subprocess.run(
            command, env=compiling, capture_output=True, text=True, timeout=BUILD_SECONDS_MAX, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise LoadClientError(
            f"the load client could not be compiled ({error}): run `make bench-check`, which installs the "
            "compiler, or name another by KEPU_CC"
        ) from None
    if done.returncode != 0:
        raise LoadClientError(
            f"the load client could not be compiled by `{shlex.join(command)}`: run `make bench-check`, "
            f"which installs the compiler, or name another by KEPU_CC. It said:\n{done.stderr.strip()}"
        )
    unfinished.replace(built)
    return built


def _fingerprint(compiler: tuple[str, ...]) -> str:
    digest = hashlib.sha256(shlex.join((*compiler, *FLAGS, platform.machine())).encode())
    for source in sorted(SOURCES.glob("*.[ch]")):
        digest.update(source.name.encode() + b"\0" + source.read_bytes())
    return digest.hexdigest()[:16]
