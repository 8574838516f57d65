"""The manifests of Kubernetes as `kubectl kustomize` renders them, and what is asked of them often."""

import json
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

KUBERNETES = Path(__file__).parents[2] / "deploy" / "kubernetes"
OVERLAYS = ("small", "peak")
# From the wheel that the tests install: another kubectl has another kustomize.
KUBECTL = Path(sys.executable).parent / "kubectl"
SERVING = ("Deployment", "StatefulSet")

Document = dict[str, Any]


@cache
def rendered(overlay: str) -> tuple[Document, ...]:
    """All documents of an overlay."""
    told = subprocess.run(
        [KUBECTL, "kustomize", KUBERNETES / "overlays" / overlay],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert told.returncode == 0, told.stderr
    return tuple(yaml.load_all(told.stdout, yaml.CSafeLoader))


def of_kind(overlay: str, *kinds: str) -> dict[str, Document]:
    """The documents of these kinds, by name."""
    return {one["metadata"]["name"]: one for one in rendered(overlay) if one["kind"] in kinds}


def pods(overlay: str) -> dict[str, Document]:
    """The template of each pod, by the name of what makes it."""
    return {name: one["spec"]["template"] for name, one in of_kind(overlay, *SERVING, "Job").items()}


def container_of(pod: Document) -> Document:
    """The one container of a pod."""
    [container] = pod["spec"]["containers"]
    assert not pod["spec"].get("initContainers")
    found: Document = container
    return found


def given_to(overlay: str, pod: Document) -> dict[str, Any]:
    """The environment of a pod: texts, and references to secrets and fields."""
    container, maps = container_of(pod), of_kind(overlay, "ConfigMap")
    found: dict[str, Any] = {}
    for source in container.get("envFrom", []):
        assert source.keys() == {"configMapRef"}, "a secret is named key by key"
        found |= maps[source["configMapRef"]["name"]]["data"]
    for one in container.get("env", []):
        found[one["name"]] = one.get("value", one.get("valueFrom"))
    return found


def selects(selector: Document, labels: dict[str, str]) -> bool:
    """Whether a selector finds these labels; an empty one finds all."""
    return all(labels.get(name) == value for name, value in selector.get("matchLabels", {}).items()) and all(
        labels.get(one["key"]) in one["values"] for one in _in(selector)
    )


def policies_of(overlay: str, pod: Document) -> set[str]:
    """The network policies of an overlay that are about a pod."""
    every = of_kind(overlay, "NetworkPolicy")
    return {
        name for name, one in every.items() if selects(one["spec"]["podSelector"], pod["metadata"]["labels"])
    }


def faults_of(document: Document, version: str) -> Iterator[object]:
    """What Kubernetes of this version would find wrong in a document, unknown fields too."""
    group, _, own = document["apiVersion"].rpartition("/")
    name = "-".join(filter(None, (document["kind"].lower(), group.split(".")[0], own)))
    schema = json.loads(_schemas(version).joinpath(f"{name}.json").read_text())
    yield from Draft202012Validator(schema, registry=_definitions(version)).iter_errors(document)


# The package's own `validate` reads two megabytes of definitions for each document.
@cache
def _definitions(version: str) -> Any:
    definitions = json.loads(_schemas(version).joinpath("_definitions.json").read_text())
    return Registry().with_resource("/api/_definitions.json", DRAFT202012.create_resource(definitions))


def _schemas(version: str) -> Any:
    return files("kubernetes_validate") / "kubernetes-json-schema" / f"v{version}-local-strict"


def _in(selector: Document) -> Iterator[Document]:
    for one in selector.get("matchExpressions", []):
        assert one["operator"] == "In", one
        yield one
