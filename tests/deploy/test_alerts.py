"""Alerts fire when they should, each has its runbook, and an outage tells one thing."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from prometheus_client import Histogram

from ops.documents.alerting import UnknownMetric, alert_rules, check_known, rules
from ops.documents.objectives import objectives
from shared.runtime import metrics
from tests.support.programs import program

ROOT = Path(__file__).parents[2]
RUNBOOKS = ROOT / "docs" / "runbooks"
CASES = sorted((ROOT / "deploy" / "prometheus" / "tests").glob("*.yml"))
NAMES = sorted({rule["alert"] for rule in alert_rules()})
CHAPTERS = (
    "What it means",
    "Confirm it",
    "What to do",
    "When to wake somebody",
    "How to see that it is over",
)
ASKED = re.compile(r'^count\(ALERTS\{alertname="(\w+)",alertstate="firing"\}\)$')
CONFIGURATION = yaml.safe_load((ROOT / "deploy" / "alertmanager" / "alertmanager.yml").read_text())
NEEDS = {"kafka", "mongo", "service", "process"}


def run(name: str, *arguments: str) -> str:
    """What a program of Prometheus says; the test is skipped where it is not."""
    done = subprocess.run(
        [program(name), *arguments], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_prometheus_takes_its_configuration_and_all_rules() -> None:
    said = run("promtool", "check", "config", "deploy/prometheus/prometheus.yml")
    assert said.count("rules found") == len(list((ROOT / "deploy/prometheus/rules").glob("*.yml")))


def test_alertmanager_takes_its_configuration() -> None:
    assert "SUCCESS" in run("amtool", "check-config", "deploy/alertmanager/alertmanager.yml")


@pytest.mark.parametrize("cases", CASES, ids=lambda path: path.stem)
def test_alerts_fire_when_they_should_and_only_then(cases: Path) -> None:
    run("promtool", "test", "rules", str(cases))


def cases_of(alert: str) -> Iterator[bool]:
    """For each case about an alert, whether it fires there."""
    for cases in CASES:
        for case in yaml.safe_load(cases.read_text())["tests"]:
            for asked in case["promql_expr_test"]:
                named = ASKED.match(asked["expr"])
                assert named, asked["expr"]
                if named[1] == alert:
                    yield asked["exp_samples"] != []


@pytest.mark.parametrize("alert", NAMES)
def test_an_alert_has_a_case_in_which_it_fires_one_in_which_it_does_not_and_a_runbook(alert: str) -> None:
    assert set(cases_of(alert)) == {True, False}
    runbook = (RUNBOOKS / f"{alert}.md").read_text()
    assert runbook.startswith(f"# {alert}\n")
    assert re.findall(r"^## (.+)$", runbook, re.MULTILINE) == list(CHAPTERS)


def test_every_runbook_is_of_an_alert() -> None:
    assert sorted(path.stem for path in RUNBOOKS.glob("*.md")) == NAMES


def test_a_rule_says_how_urgent_it_is_what_it_means_and_what_to_do() -> None:
    for rule in alert_rules():
        name = rule["alert"]
        assert rule["labels"]["severity"] in ("page", "ticket"), name
        assert set(rule["labels"].get("needs", "").split()) <= NEEDS, name
        assert rule["annotations"].keys() == {"summary", "description", "action", "runbook_url"}, name
        assert rule["annotations"]["runbook_url"] == f"{{{{ $externalLabels.runbooks }}}}/{name}.md"


def test_every_service_has_an_alert_of_its_own_that_it_is_gone() -> None:
    for name in ("KepuServiceGone", "KepuRelayGone"):
        found = {rule["labels"]["service"]: rule["expr"] for rule in alert_rules() if rule["alert"] == name}
        assert found.keys() == {"registration", "quiz", "awards", "notifications"}
        assert all(f'service="{service}"' in expression for service, expression in found.items())


def test_a_rule_on_a_metric_that_nobody_has_is_noticed() -> None:
    with pytest.raises(UnknownMetric, match="kepu_gone"):
        check_known("x", ['kepu_gone{group="kepu_in_a_text"} > 0'])
    check_known("x", ["rate(kepu_http_request_seconds_bucket[1m])"])


def test_each_bound_in_a_rule_is_one_of_its_histogram() -> None:
    histograms = [
        one
        for one in (getattr(each, "metric", each) for each in vars(metrics).values())
        if isinstance(one, Histogram)
    ]
    bounds = {
        f"{one._name}_bucket": {str(float(bound)) for bound in one._kwargs["buckets"]} for one in histograms
    }
    found = [
        named
        for rule in rules()
        for named in re.findall(r'(kepu_\w+_bucket)\{[^}]*(?:\{\w+\}[^}]*)*le="([^"]+)"', rule["expr"])
    ]
    assert len(found) >= len([one for one in objectives() if one.kind != "availability"])
    assert [(metric, bound) for metric, bound in found if bound not in bounds.get(metric, {bound})] == []


def told(*fire: str) -> set[str]:
    """The alerts that people are told of while all of these fire: "name" or "name service"."""
    alerts = [labels for name in fire for labels in labels_of(*name.split())]
    return {alert["alertname"] for alert in alerts if not any(hides(by, alert) for by in alerts)}


def labels_of(name: str, service: str = "quiz") -> list[dict[str, str]]:
    """The labels of an alert of this service."""
    slo = {"KepuUnavailable": "intake", "KepuSlow": "intake-fast", "KepuLate": "results-fresh"}
    needs = {one.name: one.needs for one in objectives()}
    return [
        {
            "alertname": name, "service": service, "topic": "quiz.submitted", "group": "quiz-grading",
            **({"slo": slo[name], "needs": needs[slo[name]]} if name in slo else {}), **rule["labels"],
        }
        for rule in alert_rules()
        if rule["alert"] == name and rule["labels"].get("service", service) == service
    ]  # fmt: skip


def hides(by: dict[str, str], alert: dict[str, str]) -> bool:
    """Whether Alertmanager hides an alert because of another one."""
    return by is not alert and any(
        all(matches(matcher, by) for matcher in rule["source_matchers"])
        and all(matches(matcher, alert) for matcher in rule["target_matchers"])
        and all(by.get(label) == alert.get(label) for label in rule.get("equal", []))
        for rule in CONFIGURATION["inhibit_rules"]
    )


def matches(matcher: str, labels: dict[str, str]) -> bool:
    """Whether labels match, as Alertmanager matches: a pattern has to match the whole value."""
    label, operator, value = re.fullmatch(r'(\w+)(=~|!=|=)"(.*)"', matcher).groups()  # type: ignore[union-attr]
    found = labels.get(label, "")
    return bool(re.fullmatch(value, found)) if operator == "=~" else (found == value) == (operator == "=")


def test_an_outage_of_mongodb_is_told_once() -> None:
    people = "KepuUnavailable", "KepuSlow", "KepuLate", "KepuOverloaded", "KepuMailsLate notifications"
    events = "KepuRelayGone", "KepuConsumerStopped", "KepuConsumerStuck", "KepuLagHigh", "KepuOutboxOld"
    assert told("KepuMongoAway", "KepuBackgroundFailing", *people, *events) == {"KepuMongoAway"}


def test_an_outage_of_kafka_is_told_once_and_hides_nothing_that_works_without_it() -> None:
    follow = "KepuUnavailable", "KepuLate", "KepuConsumerStopped", "KepuRelayGone", "KepuPublishFailing"
    assert told("KepuKafkaAway", *follow) == {"KepuKafkaAway"}
    assert told("KepuKafkaAway", "KepuMailsLate notifications") == {"KepuKafkaAway", "KepuMailsLate"}


def test_an_outage_hides_no_dead_letters_and_no_keys() -> None:
    others = {"KepuOrganiserKeysBroken", "KepuOrganiserKeysTried", "KepuDeadLetters"}
    outages = {"KepuMongoAway", "KepuKafkaAway", "KepuServiceGone", "KepuProcessGone"}
    assert told(*outages, *others) >= others


def test_a_killed_worker_is_told_once_and_hides_what_other_services_do() -> None:
    follow = "KepuRelayGone", "KepuConsumerStuck", "KepuLate", "KepuLagHigh"
    assert told("KepuProcessGone", *follow) == {"KepuProcessGone"}
    assert told("KepuProcessGone", "KepuRelayGone awards") == {"KepuProcessGone", "KepuRelayGone"}
    assert told("KepuProcessGone", "KepuUnavailable") == {"KepuProcessGone", "KepuUnavailable"}


def test_a_service_that_is_gone_is_told_once() -> None:
    follow = "KepuProcessGone", "KepuRelayGone", "KepuUnavailable", "KepuLate"
    assert told("KepuServiceGone", *follow) == {"KepuServiceGone"}


def test_inhibitions_name_alerts_that_there_are() -> None:
    text = (ROOT / "deploy" / "alertmanager" / "alertmanager.yml").read_text()
    assert sorted(set(re.findall(r"Kepu\w+", text)) - set(NAMES)) == []


def test_pages_and_tickets_reach_different_people() -> None:
    route = CONFIGURATION["route"]
    [pages] = route["routes"]
    assert pages["matchers"] == ['severity="page"']
    assert (route["receiver"], pages["receiver"]) == ("tickets", "pages")
    assert {one["name"] for one in CONFIGURATION["receivers"]} == {"tickets", "pages"}
