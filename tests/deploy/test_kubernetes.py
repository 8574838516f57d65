"""deploy/kubernetes: every overlay is valid, complete, bounded and without rights that it does not need."""

import json
import re
import tomllib
from pathlib import Path

import kubernetes_validate
import pytest
import yaml
from jsonschema import Draft202012Validator

from ops.local.edge import PROBED
from shared.contracts.topics import ALL
from shared.web.app import SHUTDOWN_SECONDS
from tests.deploy.given import SERVICES, known_to, required_by, secrets_of
from tests.deploy.rendered import (
    OVERLAYS,
    SERVING,
    Document,
    container_of,
    faults_of,
    given_to,
    of_kind,
    pods,
    policies_of,
    rendered,
    selects,
)

ROOT = Path(__file__).parents[2]
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
# The oldest that the manifests are meant for, and the newest with a schema.
VERSIONS = ("1.30.0", kubernetes_validate.latest_version())
CUSTOM = json.loads((Path(__file__).parent / "custom_resources.json").read_text())
NAME, COMPONENT = "app.kubernetes.io/name", "app.kubernetes.io/component"
ROLES = ("api", "worker")
EDGE = "edge"
# The example's address for the public.
PUBLIC = "kepu.example.org"

each_overlay = pytest.mark.parametrize("overlay", OVERLAYS)


def labels_of(one: Document) -> dict[str, str]:
    found: dict[str, str] = one["metadata"]["labels"]
    return found


def serving(overlay: str) -> dict[str, Document]:
    """The pods of the services: all but those of jobs, and of the edge."""
    return {name: pods(overlay)[name] for name in of_kind(overlay, *SERVING) if name != EDGE}


@pytest.mark.parametrize("version", VERSIONS)
def test_every_document_is_valid_for_the_oldest_and_the_newest_kubernetes(version: str) -> None:
    every = {json.dumps(one, sort_keys=True): one for overlay in OVERLAYS for one in rendered(overlay)}
    for one in every.values():
        kind = f"{one['apiVersion']}/{one['kind']}"
        checked = (
            Draft202012Validator(CUSTOM[kind]).iter_errors(one["spec"])
            if kind in CUSTOM
            else faults_of(one, version)
        )
        assert list(checked) == [], kind


@each_overlay
def test_each_service_runs_in_both_roles(overlay: str) -> None:
    assert serving(overlay).keys() == {f"{name}-{role}" for name in SERVICES for role in ROLES}
    for name, pod in serving(overlay).items():
        service, _, role = name.rpartition("-")
        assert (labels_of(pod)[NAME], labels_of(pod)[COMPONENT]) == (service, role)
        given = given_to(overlay, pod)
        assert given["KEPU_ROLE"] == role
        # Stable names are for those who are members of a consumer group.
        own_name = {"fieldRef": {"fieldPath": "metadata.name"}}
        assert given.get("KEPU_INSTANCE") == (own_name if role == "worker" else None)
    assert of_kind(overlay, "StatefulSet").keys() == {f"{name}-worker" for name in SERVICES}


@each_overlay
def test_a_pod_has_no_rights_and_writes_nowhere_but_to_a_bounded_folder(overlay: str) -> None:
    for name, pod in pods(overlay).items():
        spec, container = pod["spec"], container_of(pod)
        assert spec["automountServiceAccountToken"] is False, name
        assert spec["securityContext"].items() >= {"runAsNonRoot": True, "runAsUser": 10001}.items()
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert not {"hostNetwork", "hostPID", "hostIPC", "serviceAccountName"} & spec.keys()
        for volume in spec["volumes"]:
            assert volume.keys() - {"name"} in ({"emptyDir"}, {"secret"}), name
            assert "emptyDir" not in volume or volume["emptyDir"]["sizeLimit"]
        for mount in container["volumeMounts"]:
            assert mount["mountPath"] == "/tmp" or mount["readOnly"], mount  # noqa: S108 (of the container)
    for namespace in of_kind(overlay, "Namespace").values():
        assert labels_of(namespace)["pod-security.kubernetes.io/enforce"] == "restricted"


@each_overlay
def test_a_container_asks_for_what_it_needs_and_is_bounded(overlay: str) -> None:
    for pod in pods(overlay).values():
        resources = container_of(pod)["resources"]
        assert resources["requests"].keys() == resources["limits"].keys() == {"cpu", "memory"}


@each_overlay
def test_an_image_is_that_of_its_service_and_of_this_version(overlay: str) -> None:
    for name, pod in pods(overlay).items():
        service = {"topics": "registration", EDGE: EDGE}.get(name) or name.rpartition("-")[0]
        image = container_of(pod)["image"]
        assert re.fullmatch(rf"[a-z0-9.-]+/kepu-week/{service}:{re.escape(VERSION)}", image), image


@each_overlay
def test_a_process_is_asked_whether_it_lives_and_whether_it_is_ready(overlay: str) -> None:
    for name, pod in serving(overlay).items():
        container = container_of(pod)
        asked = {
            probe: container[f"{probe}Probe"]["httpGet"] for probe in ("startup", "liveness", "readiness")
        }
        assert asked == {
            "startup": {"path": "/livez", "port": "http"},
            "liveness": {"path": "/livez", "port": "http"},
            "readiness": {"path": "/readyz", "port": "http"},
        }, name
        [port] = container["ports"]
        assert (port["name"], str(port["containerPort"])) == ("http", given_to(overlay, pod)["KEPU_PORT"])


@each_overlay
def test_a_process_has_the_time_to_finish_what_it_has_begun(overlay: str) -> None:
    for pod in serving(overlay).values():
        drain = float(given_to(overlay, pod)["KEPU_DRAIN_SECONDS"])
        # So long as a proxy may still send requests here: two looks in vain.
        readiness = container_of(pod)["readinessProbe"]
        assert drain > readiness["periodSeconds"] * readiness["failureThreshold"]
        assert pod["spec"]["terminationGracePeriodSeconds"] > drain + SHUTDOWN_SECONDS


@each_overlay
def test_nodes_are_emptied_one_copy_after_the_other_and_an_update_takes_none_away(overlay: str) -> None:
    budgets = of_kind(overlay, "PodDisruptionBudget").values()
    for pod in (*serving(overlay).values(), pods(overlay)[EDGE]):
        [budget] = [one for one in budgets if selects(one["spec"]["selector"], labels_of(pod))]
        assert budget["spec"]["maxUnavailable"] == 1
        [spread] = pod["spec"]["topologySpreadConstraints"]
        assert set(spread["matchLabelKeys"]) == {NAME, COMPONENT}
    for one in of_kind(overlay, "Deployment").values():
        assert one["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}


@each_overlay
def test_a_service_gets_the_settings_that_it_requires_its_secrets_by_reference_and_no_other(
    overlay: str,
) -> None:
    for name, pod in serving(overlay).items():
        service = labels_of(pod)[NAME]
        given = given_to(overlay, pod)
        assert required_by(service) - given.keys() == set(), name
        assert given.keys() - known_to(service) == set(), name
        referred = {
            key for key, value in given.items() if isinstance(value, dict) and "secretKeyRef" in value
        }
        assert referred == secrets_of(service), name
    assert of_kind(overlay, "Secret") == {}


@each_overlay
def test_nothing_passes_that_is_not_allowed(overlay: str) -> None:
    everything = of_kind(overlay, "NetworkPolicy")["nothing-else"]["spec"]
    assert everything == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    for name, pod in pods(overlay).items():
        assert policies_of(overlay, pod) == {
            "nothing-else",
            "names",
            *({EDGE} if name == EDGE else {"kafka"}),
            *({"mongodb", "metrics"} if name not in ("topics", EDGE) else ()),
            *({"requests"} if name.endswith("-api") else ()),
            *({"mail-and-sms"} if name == "notifications-worker" else ()),
        }, name


@each_overlay
def test_only_messages_may_go_anywhere(overlay: str) -> None:
    for name, policy in of_kind(overlay, "NetworkPolicy").items():
        for way, others in (("ingress", "from"), ("egress", "to")):
            for rule in policy["spec"].get(way, []):
                assert rule["ports"], name
                assert rule.get(others) or name == "mail-and-sms", name


@each_overlay
def test_an_address_leads_to_the_pods_of_its_service(overlay: str) -> None:
    services = of_kind(overlay, "Service")
    for name in SERVICES:
        selected = {
            role: [
                pod
                for pod, template in serving(overlay).items()
                if selects({"matchLabels": services[address]["spec"]["selector"]}, labels_of(template))
            ]
            for role, address in (("api", name), ("worker", f"{name}-worker"))
        }
        assert selected == {"api": [f"{name}-api"], "worker": [f"{name}-worker"]}
        assert of_kind(overlay, "StatefulSet")[f"{name}-worker"]["spec"]["serviceName"] == f"{name}-worker"


@each_overlay
def test_the_public_gets_the_edge_at_one_address_and_nothing_else(overlay: str) -> None:
    [ingress] = of_kind(overlay, "Ingress").values()
    [rule] = ingress["spec"]["rules"]
    [path] = rule["http"]["paths"]
    assert (rule["host"], ingress["spec"]["tls"][0]["hosts"]) == (PUBLIC, [PUBLIC])
    assert (path["path"], path["backend"]["service"]["name"]) == ("/", EDGE)
    from_outside = {
        name
        for name, one in of_kind(overlay, "NetworkPolicy").items()
        if "ingress" in json.dumps(one["spec"].get("ingress", []))
    }
    assert from_outside == {EDGE}


@each_overlay
def test_the_edge_finds_every_copy_of_a_service_and_serves_the_pages(overlay: str) -> None:
    caddyfile = (ROOT / "deploy" / "caddy" / "kubernetes.Caddyfile").read_text()
    assert "import by_name {args[0]}-copies" in caddyfile
    assert "import pages" in caddyfile
    for name in SERVICES:
        assert re.search(rf"^\timport copies {name}$", caddyfile, re.MULTILINE)
        # Each pod by its own address: `port 8000` of the Caddyfile is that of the pod.
        copies = of_kind(overlay, "Service")[f"{name}-copies"]["spec"]
        assert (copies["clusterIP"], copies["ports"][0]["port"]) == ("None", 8000)
        assert selects({"matchLabels": copies["selector"]}, labels_of(pods(overlay)[f"{name}-api"]))
        assert given_to(overlay, pods(overlay)[f"{name}-api"])["KEPU_PORT"] == "8000"
    edge = container_of(pods(overlay)[EDGE])
    [port] = edge["ports"]
    assert given_to(overlay, pods(overlay)[EDGE])["KEPU_PROXY_HTTP_PORT"] == str(port["containerPort"])
    for probe in ("startup", "liveness", "readiness"):
        assert edge[f"{probe}Probe"]["httpGet"] == {"path": PROBED, "port": "http"}
    # Its image starts it with this configuration.
    dockerfile = (ROOT / "deploy" / "edge.Dockerfile").read_text()
    assert '"/etc/caddy/kubernetes.Caddyfile"' in dockerfile


@each_overlay
def test_what_services_print_leads_to_the_edge(overlay: str) -> None:
    given = {name: given_to(overlay, pod) for name, pod in serving(overlay).items()}
    assert given["awards-worker"]["KEPU_PUBLIC_URL"] == f"https://{PUBLIC}/api/awards"
    assert given["notifications-worker"]["KEPU_REGISTRATION_URL"] == f"https://{PUBLIC}/api/registration"
    # The edge says who asks, and the proxy before it says it to the edge.
    assert given_to(overlay, pods(overlay)[EDGE])["KEPU_PROXY_TRUSTED"] == "private_ranges"


@pytest.mark.parametrize("version", VERSIONS)
def test_host_names_of_before_the_pages_can_stay(version: str) -> None:
    file = ROOT / "deploy" / "kubernetes" / "components" / "ingress" / "ingress.yaml"
    closed, ingress, policy = yaml.safe_load_all(file.read_text())
    assert [fault for one in (closed, ingress, policy) for fault in faults_of(one, version)] == []
    assert "selector" not in closed["spec"]
    hosts = {rule["host"]: rule["http"]["paths"] for rule in ingress["spec"]["rules"]}
    assert {host.partition(".")[0] for host in hosts} == set(SERVICES)
    assert set(ingress["spec"]["tls"][0]["hosts"]) == hosts.keys()
    for host, paths in hosts.items():
        leads = {one["path"]: one["backend"]["service"]["name"] for one in paths}
        assert leads.pop("/") == host.partition(".")[0]
        inside = {"/metrics", "/health", "/livez", "/readyz", "/docs", "/redoc", "/openapi.json"}
        assert leads == dict.fromkeys(inside, "closed")
    assert policy["spec"]["podSelector"] == {"matchLabels": {COMPONENT: "api"}}


def test_prometheus_asks_every_process_and_knows_its_service() -> None:
    [monitor] = of_kind("peak", "ServiceMonitor").values()
    found = {
        name
        for name, one in of_kind("peak", "Service").items()
        if selects(monitor["spec"]["selector"], one["metadata"]["labels"])
    }
    assert found == {*SERVICES, *(f"{name}-worker" for name in SERVICES)}
    [endpoint] = monitor["spec"]["endpoints"]
    assert {one["targetLabel"] for one in endpoint["relabelings"]} == {"job", "service", "role"}


def test_who_scales_says_how_many_copies_there_are_and_an_apply_does_not() -> None:
    scaled = [*of_kind("peak", "HorizontalPodAutoscaler").values(), *of_kind("peak", "ScaledObject").values()]
    targets = [one["spec"]["scaleTargetRef"]["name"] for one in scaled]
    assert sorted(targets) == sorted(of_kind("peak", *SERVING))
    for one in of_kind("peak", *SERVING).values():
        assert "replicas" not in one["spec"]
    assert {one["spec"]["replicas"] for one in of_kind("small", *SERVING).values()} == {1}


def test_there_are_never_more_workers_than_partitions_to_read() -> None:
    topics = {topic.name: topic for topic in ALL}
    kafka = {given_to("peak", pod)["KEPU_KAFKA"] for pod in serving("peak").values()}
    for name, scaled in of_kind("peak", "ScaledObject").items():
        asked = [trigger["metadata"] for trigger in scaled["spec"]["triggers"]]
        for one in asked:
            assert one["consumerGroup"] in topics[one["topic"]].groups
            assert one["consumerGroup"].startswith(name.removesuffix("-worker"))
            assert kafka == {one["bootstrapServers"]}
        most = max(topics[one["topic"]].partitions for one in asked)
        assert scaled["spec"]["maxReplicaCount"] <= most


@pytest.mark.parametrize("version", VERSIONS)
def test_the_bridge_for_partners_is_valid_and_gets_what_it_requires(version: str) -> None:
    component = ROOT / "deploy" / "kubernetes" / "components" / "partners"
    documents = list(yaml.safe_load_all((component / "bridge.yaml").read_text()))
    assert [fault for one in documents for fault in faults_of(one, version)] == []
    pod = documents[0]["spec"]["template"]
    container = container_of(pod)
    assert container["image"] == f"kepu-week/partners:{VERSION}"
    given = {one["name"] for one in container["env"]}
    assert given <= known_to("partners")
    assert required_by("partners") <= given
    # It reaches Kafka and no database, as all others that are no api and no worker.
    assert policies_of("small", pod) == {"nothing-else", "names", "kafka"}
