"""Each query of the dashboards finds something in a real Prometheus; those of runbooks are valid."""

import asyncio
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import yaml

from ops.documents import dashboards
from ops.documents.alerting import check_known
from ops.documents.dashboards import Query
from ops.local.services import Services, running
from ops.stack.host import free_port
from shared.messaging.create_topics import create_missing
from tests.support.programs import fetched
from tests.support.servers import own_stack
from tests.support.waiting import eventually

ROOT = Path(__file__).parents[2]
RUNBOOKS = sorted([*(ROOT / "docs" / "runbooks").glob("*.md"), ROOT / "docs" / "slo.md"])
PROMQL = re.compile(r"^```promql\n(.*?)^```", re.DOTALL | re.MULTILINE)


def of_runbooks() -> list[Query]:
    """Mostly nothing is found, if nothing is wrong."""
    return [
        Query(path.name, promql.strip(), may_be_empty=True)
        for path in RUNBOOKS
        for promql in PROMQL.findall(path.read_text())
    ]


def test_queries_of_runbooks_name_metrics_that_there_are() -> None:
    found = of_runbooks()
    assert len(found) > len(RUNBOOKS)
    check_known("docs/runbooks", (query.promql for query in found))


def test_grafana_gets_every_dashboard() -> None:
    folder = ROOT / "deploy" / "grafana"
    assert sorted(path.relative_to(ROOT).as_posix() for path in folder.glob("dashboards/*.json")) == sorted(
        dashboards.files()
    )
    provided = yaml.safe_load((folder / "provisioning" / "dashboards" / "kepu.yml").read_text())
    assert provided["providers"][0]["options"]["path"] == "/var/lib/grafana/dashboards"


@contextmanager
def prometheus(folder: Path, targets: dict[str, str]) -> Iterator[str]:
    """A Prometheus with our rules, which scrapes these processes; its address."""
    configuration = yaml.safe_load((ROOT / "deploy" / "prometheus" / "prometheus.yml").read_text())
    configuration["global"] |= {"scrape_interval": "2s", "scrape_timeout": "2s", "evaluation_interval": "2s"}
    configuration["rule_files"] = [str(ROOT / "deploy" / "prometheus" / "rules" / "*.yml")]
    configuration["scrape_configs"] = [
        {
            "job_name": "kepu",
            "static_configs": [
                {"targets": [address], "labels": {"service": service}} for address, service in targets.items()
            ],
        }
    ]
    del configuration["alerting"]
    (folder / "prometheus.yml").write_text(yaml.safe_dump(configuration))
    address = f"127.0.0.1:{free_port()}"
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(
            [
                fetched("prometheus"),
                f"--config.file={folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address={address}",
            ],
            stdout=log,
            stderr=log,
        )
    try:
        yield f"http://{address}"
    finally:
        process.terminate()
        process.wait()


def empty(url: str, queries: list[Query]) -> list[str]:
    """The queries that find nothing, or that Prometheus refuses."""
    try:
        with httpx.Client(base_url=url) as client:
            answers = [client.get("/api/v1/query", params={"query": query.promql}) for query in queries]
    except httpx.TransportError:
        return ["Prometheus does not answer"]
    return [
        f"{query.where}: {query.promql}"
        for query, answer in zip(queries, answers, strict=True)
        if not answer.is_success or not (query.may_be_empty or answer.json()["data"]["result"])
    ]


def about_to_fire(url: str) -> list[str]:
    """The alerts whose condition is true, though nothing is wrong."""
    answer = httpx.get(f"{url}/api/v1/alerts").json()
    return [alert["labels"]["alertname"] for alert in answer["data"]["alerts"]]


@pytest.mark.own_servers
async def test_each_query_finds_something_in_a_week_and_no_alert_does(tmp_path: Path) -> None:
    with own_stack() as stack:
        await create_missing(stack.kafka)
        with running(Services(stack, detached=False)) as services:
            targets = {
                services.url(part.name).removeprefix("http://"): part.service for part in services.parts
            }
            with prometheus(tmp_path, targets) as url:
                queries = [*dashboards.queries(), *of_runbooks()]
                await eventually(lambda: asyncio.to_thread(empty, url, queries), lambda found: found == [])
                await eventually(lambda: asyncio.to_thread(about_to_fire, url), lambda names: names == [])
