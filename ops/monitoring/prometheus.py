"""Prometheus and Alertmanager as processes, with the configuration of `deploy/` and local targets."""

import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import httpx
import yaml

from ops.monitoring.packages import find
from ops.stack.errors import StackError
from ops.stack.host import free_port, make_folder
from ops.stack.logs import tail
from ops.stack.process import Command, Started, is_running, start

DEPLOY = Path(__file__).parents[2] / "deploy"
READY_SECONDS_MAX = 60.0
POLL_SECONDS = 0.1
ASK_SECONDS_MAX = 10.0


@dataclass(frozen=True, slots=True)
class Target:
    """One process to scrape: host:port, and the service that it belongs to."""

    address: str
    service: str


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert that a person is told of: it fires, and nothing inhibits or silences it."""

    name: str
    severity: str
    labels: dict[str, str]


@dataclass(slots=True)
class Monitoring:
    """
    One Prometheus and one Alertmanager. They end with this process.

    Rules, inhibitions and times are those of `deploy/`; only the targets and addresses are of this machine.

    Every method raises StackError when it cannot do what it says.
    """

    home: Path
    tell: Callable[[str], None] = lambda _: None
    _ports: dict[str, int] = field(default_factory=dict)
    _started: dict[str, Started] = field(default_factory=dict)

    def __enter__(self) -> Self:
        self.up()
        return self

    def __exit__(self, *_: object) -> None:
        self.down()

    @property
    def url(self) -> str:
        """Where Prometheus listens."""
        return f"http://127.0.0.1:{self._ports['prometheus']}"

    @property
    def alertmanager_url(self) -> str:
        """Where Alertmanager listens."""
        return f"http://127.0.0.1:{self._ports['alertmanager']}"

    def up(self) -> None:
        """
        Start both, and wait until both answer.

        Raises:
            NotAvailable: one of the two is not here, and cannot be fetched.
        """
        prometheus = find("prometheus", "prometheus")
        alertmanager = find("prometheus-alertmanager", "prometheus-alertmanager")
        make_folder(self.home)
        self._ports["alertmanager"] = free_port()
        self._ports["prometheus"] = free_port([self._ports["alertmanager"]])
        self._write_configuration()
        data = self.home.absolute()
        self._start(
            "alertmanager",
            (
                str(alertmanager),
                f"--config.file={DEPLOY / 'alertmanager' / 'alertmanager.yml'}",
                f"--storage.path={data / 'alertmanager'}",
                f"--web.listen-address=127.0.0.1:{self._ports['alertmanager']}",
                # Alone: it looks for no others.
                "--cluster.listen-address=",
            ),
            f"{self.alertmanager_url}/-/ready",
        )
        self._start(
            "prometheus",
            (
                str(prometheus),
                f"--config.file={data / 'prometheus.yml'}",
                f"--storage.tsdb.path={data / 'prometheus'}",
                f"--web.listen-address=127.0.0.1:{self._ports['prometheus']}",
            ),
            f"{self.url}/-/ready",
        )

    def down(self) -> None:
        """Stop both."""
        for name in list(self._started):
            self._started.pop(name).reap()

    def scrape(self, targets: Sequence[Target]) -> None:
        """Scrape these processes from now on, and no others."""
        groups = [{"targets": [one.address], "labels": {"service": one.service}} for one in targets]
        forming = self._targets_file.with_suffix(".forming")
        forming.write_text(json.dumps(groups))
        os.replace(forming, self._targets_file)

    def query(self, promql: str) -> list[dict[str, Any]]:
        """The present result of a query, a list of {"metric": labels, "value": [time, value]}."""
        answer = self._ask(f"{self.url}/api/v1/query", query=promql)
        result: list[dict[str, Any]] = answer["data"]["result"]
        return result

    def scraped(self) -> dict[str, bool]:
        """The addresses that are scraped, and whether the last scrape was good."""
        targets = self._ask(f"{self.url}/api/v1/targets", state="active")["data"]["activeTargets"]
        return {one["labels"]["instance"]: one["health"] == "up" for one in targets}

    def alerts(self) -> list[Alert]:
        """The alerts that people are told of now."""
        found = self._ask(
            f"{self.alertmanager_url}/api/v2/alerts", active="true", inhibited="false", silenced="false"
        )
        return [
            Alert(one["labels"]["alertname"], one["labels"].get("severity", ""), one["labels"])
            for one in found
        ]

    @property
    def _targets_file(self) -> Path:
        return self.home.absolute() / "targets.json"

    def _write_configuration(self) -> None:
        """The configuration of `deploy/`, with the addresses of this machine."""
        configuration = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())
        files = {"files": [str(self._targets_file)], "refresh_interval": "2s"}
        configuration["scrape_configs"] = [{"job_name": "kepu", "file_sd_configs": [files]}]
        configuration["rule_files"] = [
            str(DEPLOY / "prometheus" / pattern) for pattern in configuration.get("rule_files", [])
        ]
        address = f"127.0.0.1:{self._ports['alertmanager']}"
        configuration["alerting"] = {"alertmanagers": [{"static_configs": [{"targets": [address]}]}]}
        self.scrape([])
        (self.home / "prometheus.yml").write_text(yaml.safe_dump(configuration, sort_keys=False))

    def _start(self, name: str, command: tuple[str, ...], ready_url: str) -> None:
        log = self.home / f"{name}.log"
        # In the program's own folder: see `packages`. All other paths are absolute.
        started = start(Command(command, Path(command[0]).parent), log, detached=False)
        self._started[name] = started
        deadline = time.monotonic() + READY_SECONDS_MAX
        while not _answers(ready_url):
            if not is_running(started.process):
                raise StackError(f"{name} ended while it was starting; {tail(log)}")
            if time.monotonic() > deadline:
                raise StackError(f"{name} isn't ready after {READY_SECONDS_MAX:.0f} s; {tail(log)}")
            time.sleep(POLL_SECONDS)

    def _ask(self, url: str, **parameters: str) -> Any:
        try:
            answer = httpx.get(url, params=parameters, timeout=ASK_SECONDS_MAX)
            answer.raise_for_status()
        except httpx.HTTPError as error:
            raise StackError(f"{url} does not answer: {type(error).__name__} {error}") from error
        return answer.json()


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=1).is_success
    except httpx.TransportError:
        return False
