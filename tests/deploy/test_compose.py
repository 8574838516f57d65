"""docker-compose.yml: valid, pinned, complete, closed to other machines, and watched by Prometheus."""

import json
import re
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from ops.deployment import keys
from ops.deployment.description import DOCKER_URLS, OPTIONAL
from ops.deployment.keys import COMMON, NEEDED
from ops.stack import kafka
from ops.stack.host import OPEN_FILES_MIN
from ops.stack.mongo import CACHE_GB, EVICTION, HISTORY_SECONDS, REPLICA_SET, TRANSACTION_SECONDS_MAX
from tests.deploy.given import SERVICES, known_to, required_by

ROOT = Path(__file__).parents[2]
# What others may take of Kafka.
BOUNDS = (
    "transaction.max.timeout.ms",
    "transaction.abort.timed.out.transaction.cleanup.interval.ms",
    "socket.request.max.bytes",
    "queued.max.request.bytes",
    "max.connections.per.ip",
    "connections.max.idle.ms",
)
# An image's tag names a whole version: what "8" or "latest" means changes under one's feet.
PINNED = re.compile(r"^[a-z0-9./-]+:v?\d+\.\d+\.\d+(-[a-z0-9.-]+)?$")


# As `python -m pages.build FOLDER`, but with nothing else to import.
MAKE = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from pages.build import build
build(Path(sys.argv[2]))
"""


def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return found


def test_it_is_valid_by_the_compose_specification() -> None:
    schema = json.loads((Path(__file__).parent / "vendor" / "compose-spec.json").read_text())
    problems = [
        f"{'.'.join(map(str, problem.path))}: {problem.message}"
        for problem in Draft202012Validator(schema).iter_errors(compose())
    ]
    assert problems == []


def test_every_image_is_pinned_to_a_whole_version() -> None:
    images = {name: service["image"] for name, service in compose()["services"].items()}
    bases = re.findall(r"^FROM (\S+)", dockerfile() + edge_dockerfile(), re.MULTILINE)
    assert bases[0] == bases[1], "one Python for all"
    images |= {image: image for image in bases}
    assert {name: image for name, image in images.items() if not PINNED.match(image)} == {}


@pytest.mark.parametrize("service", [*SERVICES, "partners"])
def test_a_service_gets_every_setting_that_it_requires_and_none_that_it_does_not_know(service: str) -> None:
    given = set(compose()["services"][service]["environment"])
    assert required_by(service) - {name.removesuffix("_FILE") for name in given} == set()
    assert given - known_to(service) == set()


def test_secrets_are_files_and_a_service_sees_those_that_it_needs() -> None:
    declared = compose()["secrets"]
    optional = {name for service in OPTIONAL for name in NEEDED[service]}
    assert declared == {name: {"file": f"./deploy/secrets/{name}"} for name in keys.fresh().keys() - optional}
    for name, service in compose()["services"].items():
        own = name.removesuffix("-worker")
        needed = {*COMMON, *NEEDED[own]} if own in {*SERVICES, "partners"} else set()
        assert set(service.get("secrets", [])) == needed, name
        given = service.get("environment", {})
        assert {key for key in given if key.removesuffix("_FILE") in declared} == {
            f"{key}_FILE" for key in needed
        }
        assert {given[f"{key}_FILE"] for key in needed} == {f"/run/secrets/{key}" for key in needed}


def test_no_port_is_open_to_other_machines_until_somebody_opens_those_of_the_proxy() -> None:
    published = {name: service.get("ports", []) for name, service in compose()["services"].items()}
    assert not any(published[name] for name in (*SERVICES, "quiz-worker", "partners")), "copies would collide"
    for name, ports in published.items():
        for port in ports:
            own = re.fullmatch(r"\$\{KEPU_PROXY_\w+:-(.*)\}:\d+", port) if name == "proxy" else None
            assert (own[1] if own else port).startswith("127.0.0.1:"), port


def test_only_the_proxy_is_between_the_public_and_the_services_and_reaches_nothing_else() -> None:
    networks = {name: set(service.get("networks", [])) for name, service in compose()["services"].items()}
    assert all(networks.values())
    reached = {
        name: {other for other in networks if other != name and networks[name] & networks[other]}
        for name in ("proxy", "mail")
    }
    assert reached == {"proxy": set(SERVICES), "mail": {"notifications"}}
    for server in ("kafka", "mongo"):
        assert networks[server] == {"back"}
        assert not {"proxy", "mail", "prometheus"} & {name for name in networks if "back" in networks[name]}


def test_every_container_is_without_rights_and_writes_only_where_it_must() -> None:
    for name, service in compose()["services"].items():
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        # Ports below 1024 are the proxy's work.
        assert service.get("cap_add", []) == (["NET_BIND_SERVICE"] if name == "proxy" else []), name
        # The start of Kafka's image writes its configuration beside its programs.
        assert service.get("read_only", False) == (name != "kafka"), name
        assert "privileged" not in service


def test_every_container_is_asked_for_its_health_and_ours_act_on_it() -> None:
    checks = {name: service.get("healthcheck", {}) for name, service in compose()["services"].items()}
    assert {name for name, check in checks.items() if check.get("disable")} == {"topics"}
    assert all(check.get("test") for name, check in checks.items() if name != "topics")
    for name in (*SERVICES, "quiz-worker", "partners"):
        assert checks[name]["test"] == ["CMD", "python", "-m", "shared.web.revive"], name


def test_a_service_stands_below_the_path_at_which_the_proxy_serves_it() -> None:
    caddyfile = (ROOT / "deploy" / "caddy" / "compose.Caddyfile").read_text()
    assert re.search(
        r"handle_path /api/\{args\[0\]\}/\* \{\s+import closed\s+import by_name \{args\[0\]\}\s", caddyfile
    )
    for name, url in DOCKER_URLS.items():
        path = compose()["services"][name]["environment"]["KEPU_ROOT_PATH"]
        assert path == f"/api/{name}"
        assert re.search(rf"^\timport copies {name}$", caddyfile, re.MULTILINE)
        port = url.rpartition(":")[2]
        # Both with the path and without it. `uri strip_prefix /quiz` would take it off /quizzes too.
        copies = rf"{{\s+import by_name {name}\s+}}\s+"
        assert re.search(rf"http://:{port} {{\s+handle_path {path}/\* {copies}handle {copies}}}", caddyfile)
        assert f"127.0.0.1:{port}:{port}" in compose()["services"]["proxy"]["ports"]


def test_what_services_print_leads_to_the_address_of_the_pages() -> None:
    public = "https://${KEPU_PROXY_ADDRESS:-localhost:8443}/api"
    for name, setting in (("awards", "KEPU_PUBLIC_URL"), ("notifications", "KEPU_REGISTRATION_URL")):
        of = "awards" if name == "awards" else "registration"
        given = compose()["services"][name]["environment"][setting]
        assert given == f"${{{setting}:-{public}/{of}}}"


def test_the_edge_holds_its_configuration_and_the_pages_and_needs_no_network_to_be_made() -> None:
    proxy = compose()["services"]["proxy"]
    assert proxy["build"] == {"context": ".", "dockerfile": "deploy/edge.Dockerfile"}
    assert proxy["image"].startswith("kepu-week/edge:")
    assert "/etc/caddy/compose.Caddyfile" in proxy["command"]
    assert not any(place.partition(":")[2].startswith(("/etc", "/srv")) for place in proxy["volumes"])
    made = edge_dockerfile()
    copied = [line.split()[1:] for line in re.findall(r"^COPY .*$", made, re.MULTILINE)]
    assert copied == [
        ["pages/", "pages/"],
        ["deploy/caddy/", "etc/caddy/"],
        ["--from=made", "/made/etc/caddy/", "/etc/caddy/"],
        ["--from=made", "/made/srv/pages/", "/srv/pages/"],
    ]
    assert "pip" not in made
    # Where the configuration looks for them.
    assert "{$KEPU_PAGES:/srv/pages}" in (ROOT / "deploy" / "caddy" / "common.caddy").read_text()


def test_the_pages_are_made_by_python_alone(tmp_path: Path) -> None:
    """As in the image: only this folder, and no packages."""
    shutil.copytree(ROOT / "pages", tmp_path / "pages", ignore=shutil.ignore_patterns("__pycache__"))
    command = [sys.executable, "-I", "-S", "-c", MAKE, str(tmp_path), str(tmp_path / "made")]
    subprocess.run(command, check=True, timeout=60)
    made = {path.name for path in (tmp_path / "made").iterdir()}
    assert {"index.html", "index.html.gz", "contest.html", "worker.js", "assets"} <= made
    assert "mail.html" not in made, "mails are shown on one's own machine only"


def test_mongodb_is_tuned_as_on_the_local_stack() -> None:
    given = set(pairwise(compose()["services"]["mongo"]["command"]))
    assert given >= {
        ("--replSet", REPLICA_SET),
        ("--wiredTigerCacheSizeGB", str(CACHE_GB)),
        ("--wiredTigerEngineConfigString", EVICTION),
        ("--setParameter", f"transactionLifetimeLimitSeconds={TRANSACTION_SECONDS_MAX}"),
        ("--setParameter", f"minSnapshotHistoryWindowInSeconds={HISTORY_SECONDS}"),
    }


def test_kafka_is_bounded_as_the_local_stack() -> None:
    local = {
        name.strip(): value.strip()
        for name, _, value in (
            line.partition("=") for line in kafka.properties((1, 2), kafka.DATA).splitlines() if "=" in line
        )
    }
    given = compose()["services"]["kafka"]["environment"]
    for name in BOUNDS:
        assert given[f"KAFKA_{name.replace('.', '_').upper()}"] == local[name], name


def test_what_connections_announce_fits_the_heap_of_kafka() -> None:
    assert kafka.REQUESTS_BYTES_MAX < 0.7 * kafka.HEAP_MB * 1024**2
    assert f"-Xmx{kafka.HEAP_MB}m" in compose()["services"]["kafka"]["environment"]["KAFKA_HEAP_OPTS"]


def test_what_one_address_or_one_listener_announces_leaves_room_for_the_services() -> None:
    given = compose()["services"]["kafka"]["environment"]
    request, all_requests = (
        int(given[f"KAFKA_{name}"]) for name in ("SOCKET_REQUEST_MAX_BYTES", "QUEUED_MAX_REQUEST_BYTES")
    )
    for bound in ("MAX_CONNECTIONS_PER_IP", "LISTENER_NAME_HOST_MAX_CONNECTIONS"):
        assert int(given[f"KAFKA_{bound}"]) * request < all_requests - 4 * request, bound
    [open_to_others] = compose()["services"]["kafka"]["ports"]
    assert "HOST://:" + open_to_others.rpartition(":")[2] in given["KAFKA_LISTENERS"].split(",")
    for name, service in compose()["services"].items():
        assert service.get("environment", {}).get("KEPU_KAFKA", "kafka:19092") == "kafka:19092", name


def test_everything_restarts_is_bounded_and_waits_for_what_it_needs() -> None:
    services = compose()["services"]
    for name, service in services.items():
        assert service.get("restart"), name
        assert service.get("mem_limit"), name
        assert service["logging"]["options"].keys() == {"max-size", "max-file"}, name
    for name in SERVICES:
        assert services[name]["depends_on"] == {
            "topics": {"condition": "service_completed_successfully"},
            "mongo": {"condition": "service_healthy"},
        }
    assert services["topics"]["depends_on"] == {"kafka": {"condition": "service_healthy"}}
    assert services["topics"]["command"] == ["python", "-m", "shared.messaging.create_topics"]


def test_a_service_takes_sigterm_from_its_first_moment_on() -> None:
    assert {name for name, service in compose()["services"].items() if service.get("init")} == {
        *SERVICES,
        "quiz-worker",
        "partners",
    }


def test_servers_may_open_the_files_that_they_need() -> None:
    for name in ("kafka", "mongo"):
        assert compose()["services"][name]["ulimits"]["nofile"] >= OPEN_FILES_MIN


def test_down_ends_the_workers_of_the_peak_too() -> None:
    # Compose's down leaves out what belongs to a profile that is not named.
    assert not any("profiles" in service for service in compose()["services"].values())
    assert compose()["services"]["quiz-worker"]["scale"] == "${KEPU_QUIZ_WORKERS:-0}"
    assert compose()["services"]["partners"]["scale"] == "${KEPU_PARTNERS:-0}"


def test_all_that_the_images_share_is_built_once() -> None:
    before, after = dockerfile().split("ARG SERVICE")
    assert "pip install" in before
    assert "pip install" not in after
    assert "# syntax=" not in before, "needs a registry, for nothing"


def test_files_of_a_checkout_that_only_its_owner_can_read_can_be_read_in_the_image() -> None:
    assert dockerfile().index("COPY services/${SERVICE}/") < dockerfile().index("RUN chmod -R a+rX /app")


def test_secrets_of_compose_are_not_committed() -> None:
    assert {".env", "deploy/secrets/"} <= set((ROOT / ".gitignore").read_text().splitlines())


def test_prometheus_scrapes_every_service() -> None:
    configuration = yaml.safe_load((ROOT / "deploy" / "prometheus" / "prometheus.yml").read_text())
    [kepu] = [job for job in configuration["scrape_configs"] if job["job_name"] == "kepu"]
    [by_name] = kepu["dns_sd_configs"]
    ours = {
        name
        for name, service in compose()["services"].items()
        if "KEPU_ROLE" in service.get("environment", {})
    }
    assert ours == {*SERVICES, "quiz-worker", "partners"}
    assert set(by_name["names"]) == ours | {*OPTIONAL}
    assert f"KEPU_PORT={by_name['port']} " in dockerfile()


def test_each_image_is_built_for_its_own_service() -> None:
    services = compose()["services"]
    for name in (*SERVICES, "partners"):
        assert services[name]["build"] == {
            "context": ".",
            "dockerfile": "deploy/Dockerfile",
            "args": {"SERVICE": name},
        }
        assert services[name]["image"].startswith(f"kepu-week/{name}:")


def test_an_image_holds_the_one_service_and_runs_as_nobody_special() -> None:
    copied = [line.split()[1:] for line in re.findall(r"^COPY .*$", dockerfile(), re.MULTILINE)]
    assert copied == [
        ["${LOCK}", "./"],
        ["shared/", "shared/"],
        ["services/__init__.py", "services/__init__.py"],
        ["services/${SERVICE}/", "services/${SERVICE}/"],
    ]
    assert "ADD " not in dockerfile()
    assert re.search(r"^USER 10001:10001$", dockerfile(), re.MULTILINE)
    ignored = (ROOT / ".dockerignore").read_text().split("\n")
    assert [line for line in ignored if line and line[0] in "*!" and not line.startswith("**")] == [
        "*",
        "!requirements.lock",
        "!requirements-traces.lock",
        "!shared",
        "!services",
        "!pages",
        "!deploy/caddy",
    ]


def dockerfile() -> str:
    return (ROOT / "deploy" / "Dockerfile").read_text()


def edge_dockerfile() -> str:
    return (ROOT / "deploy" / "edge.Dockerfile").read_text()
