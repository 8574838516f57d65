"""
Break guarantees on purpose, one by one, and see that chaos notices each.

    python -m tests.ops.chaos.meta [WORD…]        all, or those with one of the words in their names

First all faults run without any mutation: nothing may be amiss then. If something is, its history, logs and
data stay in .kepu/chaos-kept. Exits with 0 only if every mutation was
noticed.
"""

import os
import subprocess
import sys
import time
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from ops.stack.scratch import scratch
from tests.mutations.running import Broken, Mutation, copy, mutated
from tests.ops.chaos.meta.focused import KEPT_FOLDER

ROOT = Path(__file__).parents[4]
LIST = Path(__file__).with_name("mutations.toml")
SECONDS_MAX = 420.0
# What a run without a mutation leaves if something is amiss: then the fault is real.
KEPT = ROOT / ".kepu" / "chaos-kept"
AMISS = "Chaos: "
console = Console(highlight=False, soft_wrap=True)


@dataclass(frozen=True, slots=True)
class Guarantee:
    """One change of one file that breaks a guarantee, and the faults under which it must be noticed."""

    mutation: Mutation
    faults: tuple[str, ...]


def guarantees() -> list[Guarantee]:
    """The list."""
    return [
        Guarantee(
            Mutation(one["name"], one["file"], one["old"], one["new"], ()), tuple(one.get("faults", ()))
        )
        for one in tomllib.loads(LIST.read_text())["mutation"]
    ]


def main(words: Sequence[str]) -> int:
    """Try all, or those with one of the words in their names; returns the exit code."""
    chosen = [one for one in guarantees() if not words or any(word in one.mutation.name for word in words)]
    if not chosen:
        console.print(f"no mutation has {' or '.join(words)} in its name; see {LIST.name}")
        return 1
    missed = 0
    with scratch("kepu-meta-") as folder:
        copied = copy(ROOT, folder / "project")
        code, said = _run(
            copied, list(dict.fromkeys(fault for one in chosen for fault in one.faults)), kept=str(KEPT)
        )
        if code != 0:
            console.print(f"[red]something is amiss without any mutation ({code})[/]\n")
            console.print(said, markup=False)
            return 1
        console.print("without a mutation nothing is amiss")
        for one in chosen:
            missed += not _noticed(copied, one)
    console.print(f"\n{len(chosen) - missed} of {len(chosen)} were noticed")
    return 1 if missed else 0


def _noticed(copied: Path, one: Guarantee) -> bool:
    began = time.monotonic()
    path = copied / one.mutation.file
    original = path.read_text()
    try:
        _write(path, mutated(copied, one.mutation))
        code, said = _run(copied, one.faults)
    except Broken as why:
        code, said = 2, str(why)
    finally:
        _write(path, original)
    noticed = code == 1
    verdict = "[green]noticed[/]" if noticed else "[red]missed [/]" if code == 0 else "[red]broken [/]"
    console.print(f"{verdict} {one.mutation.name} ({time.monotonic() - began:.0f} s)")
    for line in said.splitlines()[-3:] if noticed else said.splitlines()[-60:]:
        console.print(f"    {line}", markup=False)
    return noticed


def _write(path: Path, text: str) -> None:
    """Write a module; what was compiled of the text before it is never taken for it."""
    before = path.stat().st_mtime
    path.write_text(text)
    later = max(time.time(), before + 1)
    os.utime(path, (later, later))


def _run(copied: Path, faults: Sequence[str], *, kept: str = "") -> tuple[int, str]:
    # The copy first: an installed project would else be found where it was installed from.
    environment = {**os.environ, "PYTHONPATH": str(copied), KEPT_FOLDER: kept}
    try:
        done = subprocess.run(
            (sys.executable, "-m", "tests.ops.chaos.meta.focused", *faults),
            cwd=copied,
            env=environment,
            timeout=SECONDS_MAX,
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
    except subprocess.TimeoutExpired:
        return 3, f"it did not end within {SECONDS_MAX:.0f} s"
    # An error that nobody foresaw ends Python with 1 too. What is amiss is said in words.
    told = done.stdout.strip()
    is_verdict = AMISS in told or "not at rest: " in told
    return (2 if done.returncode == 1 and not is_verdict else done.returncode), told


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
