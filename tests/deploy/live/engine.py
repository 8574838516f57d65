"""A Docker engine with Compose, if this machine has one."""

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

SECONDS_MAX = 900


class NoEngine(Exception):
    """This machine has no engine, or no Compose of version 2."""


class Failed(Exception):
    """A command has failed."""


def told(*command: str, stdin: IO[bytes] | None = None, cwd: Path | None = None) -> str:
    """
    What a command writes.

    Raises:
        Failed: it ended with an error; the message has its last lines.
    """
    done = subprocess.run(
        command, stdin=stdin, cwd=cwd, capture_output=True, text=True, timeout=SECONDS_MAX, check=False
    )
    if done.returncode:
        last = "\n".join((done.stdout + done.stderr).strip().splitlines()[-15:])
        raise Failed(f"{' '.join(command[:4])} … ended with {done.returncode}:\n{last}")
    return done.stdout


@dataclass(frozen=True, slots=True)
class Engine:
    """The commands of an engine."""

    composing: Sequence[str]

    @classmethod
    def found(cls) -> "Engine":
        """
        The engine of this machine, or that of DOCKER_HOST.

        Raises:
            NoEngine: there is none.
        """
        if shutil.which("docker") is None:
            raise NoEngine("docker is not installed")
        try:
            told("docker", "version", "--format", "{{.Server.Version}}")
        except Failed:
            raise NoEngine("no Docker engine runs here") from None
        for composing in (("docker", "compose"), ("docker-compose",)):
            try:
                version = told(*composing, "version", "--short")
            except (Failed, FileNotFoundError):
                continue
            if not version.startswith("1."):
                return cls(composing)
        raise NoEngine("Compose 2 is not installed")

    def docker(self, *command: str, stdin: IO[bytes] | None = None) -> str:
        return told("docker", *command, stdin=stdin).strip()

    def has(self, image: str) -> bool:
        return bool(self.docker("images", "--quiet", image))


@dataclass(frozen=True, slots=True)
class Project:
    """The compose file in a copy of this checkout."""

    engine: Engine
    name: str
    folder: Path

    def compose(self, *command: str) -> str:
        files = ("--file", "docker-compose.yml", "--file", "override.yml")
        return told(*self.engine.composing, "--project-name", self.name, *files, *command, cwd=self.folder)

    def containers(self, service: str = "") -> list[dict[str, Any]]:
        """What the engine knows of each container, also of ended ones."""
        chosen = ("--filter", f"label=com.docker.compose.service={service}") if service else ()
        ids = self.engine.docker(
            "ps", "--all", "--quiet", "--filter", f"label=com.docker.compose.project={self.name}", *chosen
        ).split()
        return json.loads(self.engine.docker("inspect", *ids)) if ids else []

    def kill(self, service: str) -> None:
        """SIGKILL from outside to the first process of a service: the engine sees a crash."""
        [container] = self.containers(service)
        os.kill(container["State"]["Pid"], signal.SIGKILL)

    def is_healthy(self, service: str) -> bool:
        found = [one["State"] for one in self.containers(service)]
        return bool(found) and all(one.get("Health", {}).get("Status") == "healthy" for one in found)

    def restarts(self, service: str) -> int:
        return sum(int(one["RestartCount"]) for one in self.containers(service))
