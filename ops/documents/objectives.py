"""The objectives of the week: from slo.toml to the rules of Prometheus that measure them, and to a table."""

import tomllib
from dataclasses import dataclass
from typing import Any

import yaml

from ops.documents.finding import ROOT
from ops.documents.tables import code, table

SOURCE = ROOT / "deploy" / "prometheus" / "slo.toml"
REQUESTS = "kepu_http_request_seconds"
AGES = "kepu_event_age_seconds"
_HEAD = """\
# Made by python -m ops.documents from deploy/prometheus/slo.toml. Change that file.
#
# Of each objective: events and bad events a second, and the share of bad ones that it allows.
"""


@dataclass(frozen=True, slots=True)
class Objective:
    """One objective, as slo.toml says it. `events` and `bad` are PromQL: so many a second, by service."""

    name: str
    kind: str
    percent: float
    good: str
    needs: str
    measured_by: str
    events: str
    bad: str

    @property
    def budget(self) -> float:
        """The share of events that may be bad."""
        return round(1 - self.percent / 100, 6)


def objectives() -> list[Objective]:
    """All objectives, in the order of the file."""
    return [_objective(each) for each in tomllib.loads(SOURCE.read_text())["slo"]]


def rules() -> str:
    """The recording rules that measure the objectives."""
    made = []
    for one in objectives():
        labels = {"slo": one.name, "kind": one.kind, "needs": one.needs}
        made += [
            {"record": "slo:events:rate1m", "expr": one.events, "labels": dict(labels)},
            {"record": "slo:bad:rate1m", "expr": one.bad, "labels": dict(labels)},
            {"record": "slo:budget:ratio", "expr": f"vector({one.budget:g})", "labels": {"slo": one.name}},
        ]
    groups = {"groups": [{"name": "slo", "rules": made}]}
    return _HEAD + yaml.safe_dump(groups, sort_keys=False, width=1_000, default_flow_style=False)


def in_words() -> str:
    """A row for each objective."""
    return table(
        ["objective", "good", "of all", "measured by"],
        ([code(one.name), one.good, f"{one.percent:g} %", code(one.measured_by)] for one in objectives()),
    )


def _objective(of: dict[str, Any]) -> Objective:
    measured_by, events, bad = _MEASURED[of["kind"]](of)
    return Objective(
        of["name"], of["kind"], of["objective"], of["good"], of["needs"], measured_by, events, bad
    )


def _availability(of: dict[str, Any]) -> tuple[str, str, str]:
    events = _rate(f"{REQUESTS}_count", of["requests"])
    failed = _rate(f"{REQUESTS}_count", of["requests"], 'status=~"5.."')
    # Without any 5xx there is no series of them yet: then 0.
    return f"{REQUESTS}_count{{{of['requests']}}}", events, f"{failed} or 0 * {events}"


def _latency(of: dict[str, Any]) -> tuple[str, str, str]:
    answered = of["requests"], 'status!~"5.."'
    events = _rate(f"{REQUESTS}_count", *answered)
    bucket = *answered, _le(of)
    bad = f"{events} - {_rate(f'{REQUESTS}_bucket', *bucket)}"
    return f"{REQUESTS}_bucket{{{','.join(bucket)}}}", events, bad


def _freshness(of: dict[str, Any]) -> tuple[str, str, str]:
    read = f'group="{of["group"]}",topic="{of["topic"]}"'
    events = _rate(f"{AGES}_count", read)
    bad = f"{events} - {_rate(f'{AGES}_bucket', read, _le(of))}"
    return f"{AGES}_bucket{{{read},{_le(of)}}}", events, bad


def _rate(metric: str, *matchers: str) -> str:
    return f"sum by (service) (rate({metric}{{{','.join(matchers)}}}[1m]))"


def _le(of: dict[str, Any]) -> str:
    # As the client library writes the bounds of buckets.
    return f'le="{float(of["seconds"])}"'


_MEASURED = {"availability": _availability, "latency": _latency, "freshness": _freshness}
