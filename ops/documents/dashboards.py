"""The dashboards of Grafana: from dashboards.toml to the files that Grafana reads."""

import json
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from ops.documents.alerting import check_known
from ops.documents.finding import ROOT

SOURCE = ROOT / "deploy" / "grafana" / "dashboards.toml"
FOLDER = "deploy/grafana/dashboards"
WIDTH, HALF, HEIGHT = 24, 12, 8
_DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}


@dataclass(frozen=True, slots=True)
class Query:
    """One query of a panel. `may_be_empty`: a week at rest has nothing to show there."""

    where: str
    promql: str
    may_be_empty: bool


def files() -> dict[str, Any]:
    """What makes each file, by its path."""
    return {f"{FOLDER}/{one['name']}.json": partial(_written, one) for one in _read()}


def queries() -> Iterator[Query]:
    """All queries, for all processes where a reader would choose one."""
    for one in _read():
        for panel in one["panel"]:
            where = f"{one['title']}: {panel['title']}"
            for promql, _ in panel["queries"]:
                yield Query(where, promql.replace("$instance", ".+"), panel.get("may_be_empty", False))


def _read() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = tomllib.loads(SOURCE.read_text())["dashboard"]
    return found


def _written(of: dict[str, Any]) -> str:
    """
    The file of a dashboard.

    Raises:
        UnknownMetric: a panel would stay empty for ever.
    """
    check_known(SOURCE.name, (promql for panel in of["panel"] for promql, _ in panel["queries"]))
    dashboard = {
        "uid": f"kepu-{of['name']}",
        "title": f"Kepu Week: {of['title']}",
        "description": of["says"],
        "tags": ["kepu"],
        "editable": False,
        "refresh": "10s",
        "time": {"from": "now-1h", "to": "now"},
        "timezone": "browser",
        "schemaVersion": 39,
        "links": [{"type": "dashboards", "tags": ["kepu"], "title": "Kepu Week", "asDropdown": True}],
        "templating": {"list": list(_variables(chooses_process=of.get("chooses_process", False)))},
        "panels": list(_panels(of["panel"])),
    }
    return json.dumps(dashboard, indent=1, ensure_ascii=False) + "\n"


def _variables(*, chooses_process: bool) -> Iterator[dict[str, Any]]:
    yield {"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus"}
    if chooses_process:
        yield {
            "name": "instance",
            "label": "Process",
            "type": "query",
            "datasource": _DATASOURCE,
            "query": 'label_values(up{job="kepu"}, instance)',
            "refresh": 2,
            "sort": 1,
        }


def _panels(panels: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    x = y = 0
    for number, panel in enumerate(panels, start=1):
        width = panel.get("width", HALF)
        if x + width > WIDTH:
            x, y = 0, y + HEIGHT
        kind = panel.get("kind", "timeseries")
        yield {
            "id": number,
            "title": panel["title"],
            "type": kind,
            "datasource": _DATASOURCE,
            "gridPos": {"x": x, "y": y, "w": width, "h": HEIGHT},
            "fieldConfig": {"defaults": {"unit": panel.get("unit", "none")}, "overrides": []},
            "targets": [
                {
                    "refId": chr(ord("A") + place),
                    "datasource": _DATASOURCE,
                    "expr": promql,
                    "legendFormat": legend,
                    # Of the present only, where a graph over time says nothing.
                    "instant": kind != "timeseries",
                    "range": kind == "timeseries",
                }
                for place, (promql, legend) in enumerate(panel["queries"])
            ],
        }
        x += width
