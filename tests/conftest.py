"""
What all tests share: one real Kafka and one real MongoDB for the whole run.

Processes side by side have a second Kafka (support/sharing.py).
The servers start when the first test asks for them and die with pytest, however that ends. KEPU_KAFKA and
KEPU_MONGO name servers of one's own instead; several runs may share those, so every test takes topics and
groups of its own, and no two runs have a database in common.
"""

import gc
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from ops.stack import Stack, StackError
from tests.support import databases, hours, leftovers
from tests.support.offsets import groups_of, skip_to_end
from tests.support.servers import APART, Servers, with_mongo_of
from tests.support.sharing import (
    HAS_TWO_BROKERS,
    ByService,
    from_ones_own_part,
    in_order,
    is_apart,
    uses_kafka,
)

# A fresh checkout first makes tables of all characters, and these machines are busy: no test is about time.
hypothesis_settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis_settings.load_profile("untimed")

SERVERS = pytest.StashKey[Servers]()
STACK = pytest.StashKey[Stack]()
WITHOUT_SERVERS = "not stack"
HOME = "home"
TESTS = Path(__file__).parent


def pytest_configure(config: pytest.Config) -> None:
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # A shell starts its background jobs so, and all that tests start would ignore Ctrl-C too.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if not hasattr(config, "workerinput"):
        reporter = config.pluginmanager.get_plugin("terminalreporter")
        config.stash[SERVERS] = Servers(reporter.write_line if reporter else print)


def pytest_unconfigure(config: pytest.Config) -> None:
    if servers := config.stash.get(SERVERS, None):
        servers.close()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Workers are told where the servers are. (A hook of pytest-xdist, called before each worker starts.)"""
    if node.config.option.markexpr != WITHOUT_SERVERS:
        node.workerinput[HOME] = str(_started(node.config).home)
        if HAS_TWO_BROKERS:
            node.workerinput[APART] = str(_started(node.config, apart=True).home)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection(session: pytest.Session) -> Iterator[Any]:
    config = session.config
    if told := getattr(config, "workerinput", None):
        config.args = from_ones_own_part(config.args, int(told["workerid"][2:]), told["workercount"])
    # Half a million objects are made and stay until the end. To look through them again and again, now and
    # while tests run, would take each worker several seconds.
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if hasattr(config, "workerinput"):
        # All workers must have found the same, in the same order.
        items.sort(key=lambda item: item.path)
    in_order(items)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByService | None:
    """Which worker gets which tests; only for `--dist loadscope`."""
    return ByService(config, log) if config.getvalue("dist") == "loadscope" else None


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("stack"):
        hours.wait_for_the_next_if_this_ends()


@pytest.hookimpl(wrapper=True)
def pytest_runtestloop(session: pytest.Session) -> Iterator[Any]:
    try:
        return (yield)
    except KeyboardInterrupt:
        servers = session.config.stash.get(SERVERS, None)
        if servers and servers.death:
            pytest.exit(servers.death, pytest.ExitCode.INTERNAL_ERROR)
        raise


@pytest.fixture(scope="session")
def _stacks(request: pytest.FixtureRequest) -> Iterator[dict[bool, Stack]]:
    """The stack of most tests, and that of the tests with a broker apart. Often it is the same one."""
    told = getattr(request.config, "workerinput", None)
    common = Stack(Path(told[HOME])) if told else _started(request.config)
    apart = common
    if told and APART in told:
        apart = Stack(Path(told[APART]), environment=with_mongo_of(common))
    yield {False: common, True: apart}
    # Also the databases that tests use one after the other.
    for stack in (common, apart):
        leftovers.remove(stack.kafka, stack.mongo)


@pytest.fixture(scope="module")
def stack(request: pytest.FixtureRequest, _stacks: dict[bool, Stack]) -> Stack:
    """A stack that is up, and that nobody kills: `tests.support.servers.own_stack` is for that."""
    found = _stacks[is_apart(_module_of(request))]
    request.config.stash[STACK] = found
    return found


@pytest.fixture(scope="module", autouse=True)
def _nothing_left_of_the_module(request: pytest.FixtureRequest) -> Iterator[None]:
    """For what the tests of a module share."""
    groups = groups_of(request.path.relative_to(TESTS).parts[0])
    module = _module_of(request)
    if groups and uses_kafka(module) and any(_has_servers(item) for item in _items_of(request)):
        skip_to_end(request.getfixturevalue("stack").kafka, groups)
    yield
    if stack := request.config.stash.get(STACK, None):
        leftovers.remove(stack.kafka, stack.mongo, but=databases.free(stack.mongo))


@pytest.fixture(autouse=True)
def _nothing_left_of_the_test(
    request: pytest.FixtureRequest, _nothing_left_of_the_module: None
) -> Iterator[None]:
    if "stack" not in request.fixturenames:
        yield
        return
    stack: Stack = request.getfixturevalue("stack")
    shared = leftovers.used(stack.kafka, stack.mongo)
    yield
    leftovers.remove(stack.kafka, stack.mongo, but=shared | databases.free(stack.mongo))


@pytest.fixture(scope="module")
def kafka(stack: Stack) -> str:
    """Bootstrap servers, host:port."""
    return stack.kafka


@pytest.fixture(scope="module")
def mongo(stack: Stack) -> str:
    """The URL of a replica set."""
    return stack.mongo


def _module_of(request: pytest.FixtureRequest) -> str:
    return request.path.relative_to(TESTS.parent).as_posix()


def _started(config: pytest.Config, *, apart: bool = False) -> Stack:
    servers = config.stash[SERVERS]
    try:
        return servers.apart if apart else servers.stack
    except StackError as error:
        # Every test that needs them would fail by this one reason.
        pytest.exit(str(error), pytest.ExitCode.INTERNAL_ERROR)


def _items_of(request: pytest.FixtureRequest) -> list[pytest.Item]:
    return [item for item in request.session.items if item.path == request.path]


def _has_servers(item: pytest.Item) -> bool:
    return "stack" in getattr(item, "fixturenames", ())
