"""
Runs one service for chaos: its clock can jump, and it can die at a named place in the code.

    python -m ops.chaos.child services.quiz.app

The services know nothing of this: here their functions are wrapped before they start. What to do comes in a
small file (`orders_file`), which a thread reads many times a second. Only a process that is started in this
way has that thread, and no image has this module.
"""

import functools
import inspect
import json
import os
import runpy
import signal
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

# The folder of the orders; KEPU_INSTANCE names the process.
FOLDER = "CHAOS_ORDERS"
LOOK_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Place:
    """
    A function of the services, and whether the process dies before it begins or after it has returned.

    `function` is a path like `shared.storage.outbox:append` or `shared.messaging.publisher:Publisher.write`.
    `only`: of all its calls, those that publish what follows from a batch, or those with dead letters.
    """

    function: str
    when: Literal["before", "after"]
    only: Literal["", "what follows", "dead letters"] = ""


POINTS = {
    # A consumer's batch: effects, what follows is published, dead letters, commit.
    "after_effects_before_publish": Place(
        "shared.messaging.publisher:Publisher.publish", "before", "what follows"
    ),
    "after_publish_before_commit": Place("shared.messaging.reading:Reading.commit", "before"),
    "after_commit": Place("shared.messaging.reading:Reading.commit", "after"),
    "before_dead_letters": Place("shared.messaging.consumer:write_dead_letters", "before", "dead letters"),
    "after_dead_letters_before_commit": Place(
        "shared.messaging.consumer:write_dead_letters", "after", "dead letters"
    ),
    # A transaction: state and events are saved together, then somebody is answered.
    "before_transaction_commit": Place("shared.storage.outbox:append", "after"),
    "after_transaction_before_answer": Place("shared.storage.unit_of_work:in_transaction", "after"),
    # The relay: publish, then delete.
    "before_relay_publishes": Place("shared.storage.lease:Lease.during", "before"),
    "after_relay_published_before_delete": Place("shared.storage.lease:Lease.during", "after"),
    # Intake: append, then answer.
    "before_append": Place("services.quiz.attempts.intake:Intake._append", "before"),
    "after_append_before_answer": Place("services.quiz.attempts.intake:Intake._append", "after"),
}
"""The places by their names."""

INTAKE = ("before_append", "after_append_before_answer")
_COMMIT = ("after_publish_before_commit", "after_commit")
_DEAD = ("before_dead_letters", "after_dead_letters_before_commit")
_TRANSACTION = ("before_transaction_commit", "after_transaction_before_answer")
_RELAY = ("before_relay_publishes", "after_relay_published_before_delete")
# Where the processes of a service come by in a run of chaos.
PASSES = {
    "registration": (*_COMMIT, *_TRANSACTION, *_RELAY),
    "quiz": ("after_effects_before_publish", *_COMMIT, *_DEAD),
    "awards": (*_COMMIT, *_TRANSACTION, *_RELAY),
    "notifications": _COMMIT,
}


@dataclass(slots=True)
class Orders:
    """
    What this process has been told.

    Attributes:
        shift_seconds: how far its clock is ahead of the machine's.
        crash_at: the place where it dies, or "". With `@` and the name of a group: only in what this consumer
            group does, at the commit of a batch.
    """

    shift_seconds: float = 0.0
    crash_at: str = ""


orders = Orders()
_now, _now_ns = time.time, time.time_ns


def orders_file(folder: Path, name: str) -> Path:
    """Where a process of this name finds its orders."""
    return folder / f"{name}.json"


def give(folder: Path, name: str, told: Orders) -> None:
    """Order a process to do something. It obeys within some hundredths of a second."""
    file = orders_file(folder, name)
    forming = file.with_suffix(".forming")
    forming.write_text(json.dumps({"shift_seconds": told.shift_seconds, "crash_at": told.crash_at}))
    os.replace(forming, file)


def obey(file: Path) -> None:
    """Read the orders, if there are any."""
    try:
        told = json.loads(file.read_text())
    except FileNotFoundError:
        told = {}
    orders.shift_seconds = float(told.get("shift_seconds", 0.0))
    orders.crash_at = str(told.get("crash_at", ""))


def wrap_clock() -> None:
    """Let the services' clock be that of the machine and `shift_seconds`."""
    time.time = lambda: _now() + orders.shift_seconds
    time.time_ns = lambda: _now_ns() + int(orders.shift_seconds * 1e9)


def wrap_places(service_module: str) -> None:
    """Wrap each function in which this service can be told to die."""
    wrapped: dict[str, tuple[Any, str]] = {}
    for place in POINTS.values():
        module, _, path = place.function.partition(":")
        # Of another service: this process does not import it.
        if module.startswith("services.") and module.split(".")[1] != service_module.split(".")[1]:
            continue
        *owners, name = path.split(".")
        owner = functools.reduce(getattr, owners, import_module(module))
        wrapped[place.function] = owner, name
    for function, (owner, name) in wrapped.items():
        points = {point: place for point, place in POINTS.items() if place.function == function}
        setattr(owner, name, _dying(getattr(owner, name), points))


def _dying(function: Callable[..., Awaitable[Any]], points: dict[str, Place]) -> Callable[..., Any]:
    """The same function; the process dies before or after it if one of these points was ordered."""

    @functools.wraps(function)
    async def wrapper(*args: Any, **named: Any) -> Any:
        if _is_ordered("before", points, args):
            _die()
        result = await function(*args, **named)
        # Asked again: the order may have come meanwhile.
        if _is_ordered("after", points, args):
            _die()
        return result

    return wrapper


def _is_ordered(when: str, points: dict[str, Place], args: tuple[Any, ...]) -> bool:
    point, _, group = orders.crash_at.partition("@")
    place = points.get(point)
    if place is None or place.when != when or not _applies(place, args):
        return False
    return not group or getattr(args[0], "_group", None) == group


def _applies(place: Place, args: tuple[Any, ...]) -> bool:
    if place.only == "dead letters":
        # Most batches have none.
        return bool(args[1])
    if place.only == "what follows":
        # Others publish too.
        caller = inspect.currentframe()
        while caller is not None:
            if caller.f_code.co_name == "_settle":
                return bool(args[1])
            caller = caller.f_back
        return False
    return True


def _die() -> None:
    # Nothing is flushed, and nothing is tidied up.
    os.kill(os.getpid(), signal.SIGKILL)
    signal.pause()


def _look(file: Path) -> None:
    while True:
        obey(file)
        time.sleep(LOOK_SECONDS)


def main() -> None:
    """Run the service that the command line names."""
    module = sys.argv[1]
    file = orders_file(Path(os.environ[FOLDER]), os.environ["KEPU_INSTANCE"])
    obey(file)
    wrap_clock()
    wrap_places(module)
    threading.Thread(target=_look, args=(file,), daemon=True).start()
    sys.argv = [module]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
