"""
The import rules of pyproject.toml are kept, and each of them can be broken.

A rule with a misspelt name would forbid nothing, and nobody would notice. So each rule has to find imports
that it forbids. They are added to the graph of the real imports, and import-linter checks the rule.
"""

from collections.abc import Iterable, Iterator
from copy import deepcopy
from fnmatch import fnmatchcase
from itertools import combinations, permutations
from pathlib import Path
from typing import Any

import grimp
import pytest
from grimp import ImportGraph
from importlinter import Contract, ContractCheck
from importlinter.api import read_configuration
from importlinter.contracts.acyclic_siblings import AcyclicSiblingsContract
from importlinter.contracts.forbidden import ForbiddenContract
from importlinter.contracts.independence import IndependenceContract
from importlinter.contracts.layers import LayersContract

ROOT = Path(__file__).parent.parent
CONFIGURATION = read_configuration(str(ROOT / "pyproject.toml"))
OPTIONS = CONFIGURATION["session_options"]
RULES = CONFIGURATION["contracts_options"]
EXHAUSTIVE = [rule for rule in RULES if rule.get("exhaustive") == "True"]
KINDS: dict[str, type[Contract]] = {
    "acyclic_siblings": AcyclicSiblingsContract,
    "forbidden": ForbiddenContract,
    "independence": IndependenceContract,
    "layers": LayersContract,
}
NEW = "a_module_that_nobody_has_placed"

# What people are told of these rules, whichever of them says so.
NEVER = {
    "a service imports another": ("services.quiz.app", "services.awards.app"),
    "shared imports a service": ("shared.runtime.clock", "services.quiz.app"),
    "a service imports the command line": ("services.awards.app", "ops.cli"),
    "the command line imports the bench": ("ops.cli", "bench"),
    "a store imports the driver": ("services.quiz.app", "pymongo"),
    "the outbox imports the driver": ("shared.storage.outbox", "motor"),
    "a service writes to the outbox by hand": ("services.awards.app", "shared.storage.outbox"),
    "a room imports a higher one": ("services.awards.schemes.put", "services.awards.issuing.rules"),
    "a store imports its api": ("services.awards.schemes.store", "services.awards.schemes.api"),
    "rules look at the clock": ("services.awards.schemes.rules", "shared.runtime.clock"),
    "rules read the database": ("services.awards.schemes.rules", "shared.storage.mongo"),
    "messaging imports the storage": ("shared.messaging.consumer", "shared.storage.mongo"),
    "routes' parts import the edge": ("shared.web.forms", "shared.web.edge.gate"),
}


@pytest.fixture(scope="module")
def graph() -> ImportGraph:
    """Who imports whom, in the code as it is."""
    roots: list[str] = OPTIONS["root_packages"]
    return grimp.build_graph(*roots, include_external_packages=True, cache_dir=None)


def checked(rule: dict[str, Any], graph: ImportGraph) -> ContractCheck:
    return KINDS[rule["type"]](rule["name"], OPTIONS, rule).check(deepcopy(graph), verbose=False)


def kept(rule: dict[str, Any], graph: ImportGraph) -> bool:
    return bool(checked(rule, graph).kept)


def with_imports(graph: ImportGraph, pairs: Iterable[tuple[str, str]]) -> ImportGraph:
    spoilt = deepcopy(graph)
    for importer, imported in pairs:
        line = f"import {imported}"
        spoilt.add_import(importer=importer, imported=imported, line_number=1, line_contents=line)
    return spoilt


def named(rule: dict[str, Any], graph: ImportGraph) -> set[tuple[str, str]]:
    """What breaks the rule, as its report names it: who imports, and what."""
    report = checked(rule, graph).metadata
    match rule["type"]:
        case "layers":
            return {(one["importer"], one["imported"]) for one in report["invalid_dependencies"]}
        case _:
            return {(one["downstream_module"], one["upstream_module"]) for one in report["invalid_chains"]}


def found(patterns: list[str], graph: ImportGraph) -> list[str]:
    """The modules that these names of a rule stand for; a star is one part of a name, two are any number."""

    def stands_for(pattern: str, name: str) -> bool:
        return fnmatchcase(name, pattern) and ("**" in pattern or name.count(".") == pattern.count("."))

    return [
        name
        for pattern in patterns
        for name in sorted({*graph.modules, *patterns})
        if "*" not in name and (name == pattern or stands_for(pattern, name))
    ]


def bad_imports(rule: dict[str, Any], graph: ImportGraph) -> Iterator[tuple[str, str]]:
    """Imports that the rule forbids: one for each pair of names that it speaks of."""
    match rule["type"]:
        case "forbidden":
            for source in found(rule["source_modules"], graph):
                for forbidden in found(rule["forbidden_modules"], graph):
                    yield source, forbidden
        case "independence":
            yield from permutations(found(rule["modules"], graph), 2)
        case "layers":
            for container in rule.get("containers", [""]):
                layers = [_members(layer, container, graph) for layer in rule["layers"]]
                for higher, lower in combinations(layers, 2):
                    yield from ((importer, imported) for importer in lower for imported in higher)
                for layer, members in zip(rule["layers"], layers, strict=True):
                    # Modules of one layer, if only a stroke is between them, do not know each other.
                    yield from permutations(members, 2) if ":" not in layer else ()
        case "acyclic_siblings":
            for ancestor in found(rule["ancestors"], graph):
                for one, other in permutations(sorted(graph.find_children(ancestor)), 2):
                    if graph.direct_import_exists(importer=one, imported=other, as_packages=True):
                        yield other, one
        case kind:
            raise NotImplementedError(f"say here how a rule of type {kind} is broken")


def _members(layer: str, container: str, graph: ImportGraph) -> list[str]:
    names = [name.strip(" ()") for name in layer.replace(":", "|").split("|")]
    full = [f"{container}.{name}" if container else name for name in names]
    return [name for name in full if name in graph.modules]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["name"])
def test_a_rule_is_kept(rule: dict[str, Any], graph: ImportGraph) -> None:
    assert kept(rule, graph)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["name"])
def test_a_rule_finds_each_import_that_it_forbids(rule: dict[str, Any], graph: ImportGraph) -> None:
    excepted = rule.get("ignore_imports", [])
    pairs = {pair for pair in bad_imports(rule, graph) if " -> ".join(pair) not in excepted}
    assert pairs, "the rule forbids nothing"
    if rule["type"] == "acyclic_siblings":
        # Its report names circles, and not who imports what.
        missed = {pair for pair in pairs if kept(rule, with_imports(graph, [pair]))}
    else:
        # All at once: a check of the whole graph for each of thousands of imports would take long.
        missed = pairs - named(rule, with_imports(graph, pairs))
    assert not missed


@pytest.mark.parametrize("rule", EXHAUSTIVE, ids=lambda rule: rule["name"])
def test_a_module_that_no_layer_names_is_found(rule: dict[str, Any], graph: ImportGraph) -> None:
    for container in rule["containers"]:
        more = deepcopy(graph)
        more.add_module(f"{container}.{NEW}")
        assert not kept(rule, more), container


@pytest.mark.parametrize(("importer", "imported"), NEVER.values(), ids=NEVER)
def test_what_is_promised_is_found_by_some_rule(importer: str, imported: str, graph: ImportGraph) -> None:
    assert importer in graph.modules
    spoilt = with_imports(graph, [(importer, imported)])
    assert not all(kept(rule, spoilt) for rule in RULES)


def test_every_package_of_shared_has_an_order_of_its_modules(graph: ImportGraph) -> None:
    packages = {name for name in graph.modules if name.startswith("shared") and graph.find_children(name)}
    assert packages <= {container for rule in EXHAUSTIVE for container in rule["containers"]}


def test_every_room_of_a_service_has_an_order_of_its_modules(graph: ImportGraph) -> None:
    containers = {container for rule in EXHAUSTIVE for container in rule["containers"]}
    services = graph.find_children("services")
    rooms = {
        room for service in services for room in graph.find_children(service) if graph.find_children(room)
    }
    assert rooms
    assert sorted({*services, *rooms} - containers) == []
