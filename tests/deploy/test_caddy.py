"""deploy/caddy: the pages and two copies of a service behind TLS. A copy is killed, and requests go on."""

import os
import re
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from ops.stack.host import free_port
from tests.support.public_edge import CADDY, ROOT, PublicEdge, public_edge
from tests.support.waiting import eventually

INSIDE = ("metrics", "health", "livez", "readyz", "docs", "redoc", "openapi.json", "static-offline-docs/x.js")


@pytest.mark.parametrize(
    "example", ["Caddyfile", "compose.Caddyfile", "kubernetes.Caddyfile", "local.Caddyfile"]
)
def test_an_example_is_valid_and_formatted(example: str, tmp_path: Path) -> None:
    told = run("validate", "--config", f"deploy/caddy/{example}", home=tmp_path)
    assert told.returncode == 0, told.stderr
    for file in (example, "common.caddy"):
        assert run("fmt", "--diff", f"deploy/caddy/{file}", home=tmp_path).returncode == 0, file


def run(*command: str, home: Path) -> subprocess.CompletedProcess[str]:
    more = ("--adapter", "caddyfile") if command[0] == "validate" else ()
    environment = {**os.environ, "HOME": str(home), "XDG_DATA_HOME": str(home)}
    return subprocess.run(
        [CADDY, *command, *more],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@dataclass(frozen=True, slots=True)
class Served:
    """Two copies of a service behind Caddy."""

    edge: PublicEdge
    copies: dict[int, subprocess.Popen[bytes]]

    def start_copy(self, port: int) -> None:
        command = [sys.executable, "-m", "tests.deploy.copy_of_service", str(port)]
        with (self.edge.home / f"{port}.log").open("ab") as log:
            self.copies[port] = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)

    def client(self) -> httpx.AsyncClient:
        trusting = ssl.create_default_context(cafile=str(self.edge.authority))
        return httpx.AsyncClient(base_url=self.edge.url, verify=trusting, timeout=30)


@contextmanager
def served(home: Path) -> Iterator[Served]:
    ports: list[int] = []
    while len(ports) < 2:
        ports.append(free_port(ports))
    copies = " ".join(f"127.0.0.1:{port}" for port in ports)
    behind = dict.fromkeys(("quiz", "awards"), copies)
    with public_edge(home, behind, ports, KEPU_PROXY_HSTS_SECONDS="31536000") as edge:
        service = Served(edge, {})
        try:
            for port in ports:
                service.start_copy(port)
            yield service
        finally:
            end_all(service.copies)


def end_all(copies: dict[int, subprocess.Popen[bytes]]) -> None:
    for copy in copies.values():
        end(copy)


def end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait(10)


async def serves(client: httpx.AsyncClient) -> bool:
    """Whether the proxy has its certificate by now: it makes it after its authority."""
    try:
        await client.get("/")
    except httpx.ConnectError:
        return False
    return True


async def copies_seen(client: httpx.AsyncClient) -> set[int]:
    """Which copies answer now; one asked in vain is no answer."""
    answers = [await client.get("/api/quiz/where") for _ in range(8)]
    return {answer.json()["copy"] for answer in answers if answer.status_code == 200}


@pytest.mark.own_servers
async def test_a_copy_is_killed_behind_the_proxy_and_requests_go_on(tmp_path: Path) -> None:
    with served(tmp_path) as service:
        both = set(service.copies)
        await eventually(service.edge.authority.exists)
        async with service.client() as client:
            await eventually(lambda: serves(client))
            await eventually(lambda: copies_seen(client), lambda seen: seen == both)
            await check_what_passes(client)
            await check_what_is_printed(client)
            await check_pages(client)

            killed, stays = service.copies
            end(service.copies[killed])
            answers = [await client.post("/api/quiz/things") for _ in range(50)]
            assert {(one.status_code, one.json()) for one in answers} == {(200, stays)}

            service.start_copy(killed)
            await eventually(lambda: copies_seen(client), lambda seen: seen == both)

            end_all(service.copies)
            refused = await client.get("/api/quiz/consents/kepu-secret")
            assert refused.status_code in (502, 503)
        async with httpx.AsyncClient() as plain:
            sent = await plain.get(f"http://localhost:{service.edge.http_port}/api/quiz/where")
        # To the usual port: it is the one that people reach.
        assert sent.status_code == 308
        assert sent.headers["location"] == "https://localhost/api/quiz/where"
    log = service.edge.log.read_text()
    assert '"level":"error"' in log
    assert "kepu-secret" not in log


async def check_what_passes(client: httpx.AsyncClient) -> None:
    # Whoever invents an address is known by the own one all the same.
    invented = await client.get("/api/quiz/where", headers={"X-Forwarded-For": "192.0.2.7"})
    assert invented.json()["client"] in ("127.0.0.1", "::1")
    for path in INSIDE:
        assert (await client.get(f"/api/quiz/{path}")).status_code == 404, path
    for path in ("/api/quiz/where/", "/api/quiz/things/", "/api/quiz", "/api/", "/api/other/x", "/quiz"):
        answer = await client.get(path)
        assert (answer.status_code, answer.headers.get("location")) == (404, None), path
    # The answer comes before the whole body, and the connection may end while the rest is sent.
    with suppress(httpx.TransportError):
        too_large = await client.post("/api/quiz/things", content=b"x" * (4 * 1024**2 + 1))
        assert too_large.status_code == 413


async def check_what_is_printed(client: httpx.AsyncClient) -> None:
    """What stood in documents and messages before there were pages."""
    assert (await client.get("/quiz/where?x=%2F")).json()["path"] == "/where?x=%2F"
    assert (await client.post("/quiz/things")).is_success
    for path in INSIDE:
        assert (await client.get(f"/quiz/{path}")).status_code == 404, path
    browser = {"Accept": "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"}
    for below in ("/api/awards", "/awards"):
        scanned = await client.get(f"{below}/verify/KW-7Q2MA-X4D0P?version=2", headers=browser)
        assert scanned.status_code == 302
        assert scanned.headers["location"] == "/verify?code=KW-7Q2MA-X4D0P&version=2"
        # A program gets what the service says.
        asked = await client.get(f"{below}/verify/KW-7Q2MA-X4D0P", headers={"Accept": "application/json"})
        assert (asked.status_code, asked.headers["content-type"]) == (404, "application/problem+json")


async def check_pages(client: httpx.AsyncClient) -> None:
    for path in ("/", "/contest", "/verify?code=KW-7Q2MA-X4D0P"):
        page = await client.get(path)
        assert page.status_code == 200
        assert page.headers["cache-control"] == "no-cache"
        assert page.headers["content-encoding"] == "gzip"
        assert "require-trusted-types-for" in page.headers["content-security-policy"]
    assets = re.findall(r"/assets/[^\"]+", page.text)
    for address in assets:
        kept = await client.get(address)
        assert kept.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert kept.headers["content-encoding"] == "gzip"
    assert assets
    missing = await client.get("/assets/0000000000000000/style.css")
    assert missing.status_code == 404
    assert "immutable" not in missing.headers.get("cache-control", "")
    for answer in (page, await client.get("/api/quiz/where")):
        assert answer.headers["strict-transport-security"] == "max-age=31536000"
