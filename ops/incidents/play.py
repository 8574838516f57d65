"""Playing incidents one after the other, and noting which alerts people are told of, and when."""

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

from ops.incidents.catalogue import Incident
from ops.incidents.scene import Scene

LOOK_SECONDS = 1.0
# Before the first incident: each process is scraped, and no alert fires.
QUIET_SECONDS_MAX = 240.0


@dataclass(slots=True)
class Outcome:
    """
    What was seen of one incident. Seconds count from its begin; `resolved_after` from its mending.

    Attributes:
        fired_after: None if the meant alert did not fire.
        resolved_after: None if some alert still fired at the end.
        others: alerts that were not meant, and when each fired first.
    """

    incident: Incident
    fired_after: float | None = None
    resolved_after: float | None = None
    others: dict[str, float] = field(default_factory=dict)

    @property
    def is_good(self) -> bool:
        """Exactly the alert that is meant has fired in time, and has ended in time."""
        return self.fired_after is not None and self.resolved_after is not None and not self.others

    @property
    def words(self) -> str:
        """What was wrong, or "as meant"."""
        wrong = []
        if self.fired_after is None:
            wrong.append(f"{self.incident.alert} did not fire within {self.incident.within_seconds:.0f} s")
        if self.resolved_after is None:
            wrong.append(f"alerts went on for {self.incident.resolves_within_seconds:.0f} s")
        wrong += [f"{name} fired after {seconds:.0f} s" for name, seconds in self.others.items()]
        return "; ".join(wrong) or "as meant"


def wait_until_quiet(scene: Scene) -> list[str]:
    """Wait until every process is scraped and no alert fires; returns the alerts that do not end."""
    scene.scrape_all()
    deadline = time.monotonic() + QUIET_SECONDS_MAX
    while True:
        names = sorted({alert.name for alert in scene.monitoring.alerts()})
        scraped = scene.monitoring.scraped()
        if not names and all(scraped.get(one.address) for one in scene.targets.values()):
            return []
        if time.monotonic() > deadline:
            return names or ["a process is not scraped"]
        time.sleep(LOOK_SECONDS)


def play(scene: Scene, incident: Incident, say: Callable[[str], None]) -> Outcome:
    """Play one incident, and wait until no alert fires any more."""
    found, begun = Outcome(incident), time.monotonic()
    with ExitStack() as mend:
        incident.begin(scene, mend)
        while not _is_over(found, time.monotonic() - begun):
            _look(scene, found, begun, say)
    mended = time.monotonic()
    while time.monotonic() - mended < incident.resolves_within_seconds:
        if not _look(scene, found, begun, say):
            found.resolved_after = time.monotonic() - mended
            break
    return found


def _is_over(found: Outcome, seconds: float) -> bool:
    """Whether the cause has lasted long enough: an operator mends it once told."""
    incident = found.incident
    if incident.lasts_seconds is not None:
        return seconds >= incident.lasts_seconds
    return found.fired_after is not None or seconds > incident.within_seconds


def _look(scene: Scene, found: Outcome, begun: float, say: Callable[[str], None]) -> Sequence[str]:
    names = sorted({alert.name for alert in scene.monitoring.alerts()})
    seconds = time.monotonic() - begun
    for name in names:
        if name == found.incident.alert:
            if found.fired_after is None and seconds <= found.incident.within_seconds:
                found.fired_after = seconds
                say(f"  {name} after {seconds:.0f} s")
        elif name not in found.others:
            found.others[name] = seconds
            say(f"  {name} after {seconds:.0f} s, not meant")
    time.sleep(LOOK_SECONDS)
    return names
