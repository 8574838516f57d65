"""Playing incidents: exactly the alert that is meant counts, in its time. And one of them, for real."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from ops.cli import app
from ops.incidents.catalogue import INCIDENTS
from ops.incidents.play import Outcome
from ops.monitoring.packages import NotAvailable, find

RULES = Path(__file__).parents[3] / "deploy" / "prometheus" / "rules"
KILLED = INCIDENTS[0]


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        (Outcome(KILLED, 60.0, 30.0), "as meant"),
        (Outcome(KILLED, None, 30.0), f"{KILLED.alert} did not fire within {KILLED.within_seconds:.0f} s"),
        (Outcome(KILLED, 60.0, None), f"alerts went on for {KILLED.resolves_within_seconds:.0f} s"),
        (Outcome(KILLED, 60.0, 30.0, {"KepuSlow": 70.0}), "KepuSlow fired after 70 s"),
    ],
)
def test_only_the_alert_that_is_meant_is_good(outcome: Outcome, words: str) -> None:
    assert outcome.words == words
    assert outcome.is_good == (words == "as meant")


def test_each_incident_means_an_alert_of_the_rules() -> None:
    rules = "".join(path.read_text() for path in RULES.glob("*.yml"))
    assert [one.name for one in INCIDENTS if f"alert: {one.alert}\n" not in rules] == []
    assert len({one.name for one in INCIDENTS}) == len(INCIDENTS)


def test_an_unknown_incident_is_named_with_those_that_there_are() -> None:
    told = CliRunner().invoke(app, ["incidents", "mongo-forzen"])
    assert told.exit_code == 1
    assert "mongo-frozen" in told.output


@pytest.mark.own_servers
def test_the_short_form_agrees(tmp_path: Path) -> None:
    try:
        for package in ("prometheus", "prometheus-alertmanager"):
            find(package, package)
    except NotAvailable as error:
        pytest.skip(str(error))
    told = CliRunner().invoke(app, ["incidents", "--short", "--home", str(tmp_path / "week")])
    assert told.exit_code == 0, told.output
