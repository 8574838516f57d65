"""When the traces of an erased participant are removed again. All functions are pure."""

from datetime import datetime, timedelta

from services.quiz.participants.rules import Erasure


def next_sweep(erasure: Erasure, again_seconds: float, now: datetime) -> datetime | None:
    """When to sweep once more, after a sweep that began at `now`; None after the last one."""
    last = erasure.erased_at + timedelta(seconds=again_seconds)
    return last if now < last else None
