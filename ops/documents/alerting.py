"""The rules of Prometheus, and the table of the alerts that they make."""

import re
from collections.abc import Iterable
from typing import Any

import yaml

from ops.documents.finding import ROOT
from ops.documents.observing import names
from ops.documents.tables import table

RULES = ROOT / "deploy" / "prometheus" / "rules"
_METRIC = re.compile(r"\bkepu_[a-z_]+")
_TEXT = re.compile(r'"[^"]*"')
# The series of a histogram.
_PARTS = ("_bucket", "_count", "_sum")


class UnknownMetric(Exception):
    """A rule or a query names a metric that no service has."""


def alerts() -> str:
    """
    A row for each alert. Rules of the same alert that differ only by the service share a row.

    Raises:
        UnknownMetric: a rule could never fire.
    """
    check_known("deploy/prometheus/rules", (rule["expr"] for rule in rules()))
    rows = dict.fromkeys(
        (rule["alert"], rule["labels"]["severity"], *_words(rule["annotations"])) for rule in alert_rules()
    )
    return table(
        ["alert", "severity", "it means", "look at"],
        ([f"[{name}](runbooks/{name}.md)", *said] for name, *said in rows),
    )


def alert_rules() -> list[dict[str, Any]]:
    """All rules that tell somebody."""
    return [rule for rule in rules() if "alert" in rule]


def rules() -> list[dict[str, Any]]:
    """All rules of Prometheus, in the order of the files."""
    groups = (
        group for file in sorted(RULES.glob("*.yml")) for group in yaml.safe_load(file.read_text())["groups"]
    )
    return [rule for group in groups for rule in group["rules"]]


def check_known(where: str, queries: Iterable[str]) -> None:
    """
    Check that each metric of these queries is one of ours.

    Raises:
        UnknownMetric: one is not, so its query finds nothing.
    """
    known = series_names()
    for query in queries:
        if unknown := set(_METRIC.findall(_TEXT.sub("", query))) - known:
            raise UnknownMetric(f"{where} names {', '.join(sorted(unknown))}")


def series_names() -> set[str]:
    """The names of all series, also of those that a histogram has."""
    return {f"{name}{part}" for name in names() for part in ("", *_PARTS)}


def _words(said: dict[str, str]) -> tuple[str, str]:
    return said["description"], said["action"]
