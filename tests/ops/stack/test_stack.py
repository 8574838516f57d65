"""The real servers: up, down, killed, moved, and nothing left behind."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from ops.errors import CommandError
from ops.stack import Stack, StackError
from ops.stack.host import free_port
from ops.stack.jars import cache_folder
from ops.stack.kafka import RECORD_BYTES_MAX, Kafka
from ops.stack.server import wait_until_reachable
from shared.storage.mongo import connect
from tests.support.servers import own_stack

# A stack of the test's own, also where the session's servers are named from outside.
OWN = {name: value for name, value in os.environ.items() if not name.startswith("KEPU_")}
MEBIBYTE = 1024**2
STARTS_AND_WAITS = """
import sys
from pathlib import Path
from ops.stack import Stack
stack = Stack(Path(sys.argv[1]), detached=False)
stack.up()
print(*(server.pid for server in stack.status()), flush=True)
sys.stdin.read()
"""

pytestmark = [pytest.mark.stack, pytest.mark.own_servers]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A name that trips up what isn't careful with names; whatever runs there is stopped at the end."""
    folder = tmp_path / "科普, 周 a=b"
    yield folder
    Stack(folder, environment=OWN).down()
    # pytest would keep 0.3 GB of it for three sessions.
    shutil.rmtree(folder, ignore_errors=True)


async def test_stack_keeps_its_data_when_it_goes_down_and_moves_to_other_ports(home: Path) -> None:
    # What a format killed half-way leaves.
    (home / "kafka" / "data.forming").mkdir(parents=True)
    (home / "kafka" / "data.forming" / "meta.properties").touch()
    first, second = (Stack(home, environment=OWN) for _ in range(2))
    with ThreadPoolExecutor() as threads:
        list(threads.map(Stack.up, (first, second)))
    running = [server.pid for server in first.status()]
    assert running == [server.pid for server in second.status()]

    second.up()
    assert running == [server.pid for server in second.status()], "a further up changes nothing"
    await _write(second)
    with pytest.raises(StackError, match="kepu stack down first"):
        Stack(home, kafka_port=free_port(), environment=OWN).up()

    left = second.kafka
    second.down()
    assert [server.running for server in first.status()] == [False, False]
    assert not any(_exists(pid) for pid in running)

    moved = Stack(home, kafka_port=free_port(), mongo_port=free_port(), environment=OWN)
    moved.up()
    assert moved.kafka != left
    await _read(moved)


async def test_killed_servers_come_back_at_their_address_with_their_data() -> None:
    with own_stack() as stack:
        addresses = (stack.kafka, stack.mongo)
        await _write(stack)
        stack.kill("kafka")
        stack.kill("mongo")
        assert [server.running for server in stack.status()] == [False, False]
        stack.start("mongo")
        stack.start("kafka")
        assert addresses == (stack.kafka, stack.mongo)
        await _read(stack)


def test_stack_of_a_killed_process_dies_with_it(home: Path) -> None:
    starter = subprocess.Popen(
        (sys.executable, "-c", STARTS_AND_WAITS, str(home)),
        env=OWN,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with starter:
        assert starter.stdout is not None
        pids = [int(pid) for pid in starter.stdout.readline().split()]
        assert len(pids) == 2
        assert all(_exists(pid) for pid in pids)
        starter.kill()
    deadline = time.monotonic() + 10
    while any(_exists(pid) for pid in pids):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_server_that_can_not_start_is_told_with_the_end_of_its_log(home: Path) -> None:
    (home / "mongo" / "data" / "mongod.lock").mkdir(parents=True)
    stack = Stack(home, environment=OWN)
    with pytest.raises(StackError, match=r"mongo ended while it was starting; .*mongo\.log ends with:\n"):
        stack.up()
    assert [server.pid for server in stack.status()] == [None, None], "the other one isn't left behind"


def test_broken_start_cache_only_costs_time(home: Path, tmp_path: Path, stack: Stack) -> None:
    caches = cache_folder(os.environ)
    [*recorded] = caches.glob("*.aot")
    if not recorded or not recorded[0].stat().st_size:
        pytest.skip("no start cache was recorded: servers or a Java named from outside, or one that has none")
    environment = {**OWN, "XDG_CACHE_HOME": str(tmp_path)}
    ours = cache_folder(environment)
    ours.mkdir(parents=True)
    (ours / "maven").symlink_to(caches / "maven")
    cache = ours / recorded[0].name
    content = recorded[0].read_bytes()
    # Past the header, which Java checks by itself.
    broken = content[:65_536] + bytes(len(content) - 65_536)

    cache.write_bytes(broken)
    Kafka(home / "kafka", environment, print).command([(free_port(), free_port())])
    assert cache.stat().st_size == 0, "the formatting left it out"
    cache.write_bytes(broken)
    Stack(home, environment=environment).start("kafka")
    assert cache.stat().st_size == 0, "the broker left it out"


def test_taken_port_stops_the_start_before_anything_runs(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as foreign:
        stack = Stack(home, mongo_port=foreign.getsockname()[1], environment=OWN)
        with pytest.raises(StackError, match="is taken by"):
            stack.up()
    assert [server.pid for server in stack.status()] == [None, None]
    with pytest.raises(StackError, match="no address yet"):
        _ = stack.kafka


def test_remembered_pid_of_another_program_is_not_killed(home: Path) -> None:
    home.mkdir()
    with subprocess.Popen(("sleep", "60")) as foreign:  # noqa: S607 - any program will do
        process = {"pid": foreign.pid, "command": ["java", "kafka.Kafka"]}
        state = {"servers": {"kafka": {"ports": [20_001, 20_002], "process": process}}}
        (home / "stack.json").write_text(json.dumps(state))
        stack = Stack(home, environment=OWN)
        assert not stack.status()[0].running
        stack.down()
        assert foreign.poll() is None
        foreign.kill()


def test_servers_of_ones_own_are_used_and_left_alone(tmp_path: Path, kafka: str, mongo: str) -> None:
    outside = Stack(tmp_path, environment={"KEPU_KAFKA": kafka, "KEPU_MONGO": mongo})
    outside.up()
    assert (outside.kafka, outside.mongo) == (kafka, mongo)
    with pytest.raises(StackError, match="server of your own"):
        outside.kill("kafka")
    outside.down()
    assert [server.running for server in outside.status()] == [True, True]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("address", "words"),
    [("127.0.0.1:1", "KEPU_KAFKA names a server that can't be used"), ("localhost", "has to be host:port")],
)
def test_server_of_ones_own_that_does_not_answer_is_told(tmp_path: Path, address: str, words: str) -> None:
    with pytest.raises(CommandError, match=words):
        wait_until_reachable(Kafka(tmp_path, {}, print), address, "KEPU_KAFKA", seconds=0)


async def _write(stack: Stack) -> None:
    """A record of 1 MiB, acknowledged, and a document."""
    admin = AIOKafkaAdminClient(bootstrap_servers=stack.kafka)
    await admin.start()
    await admin.create_topics([NewTopic(_topic(stack), 1, 1)])
    await admin.close()
    producer = AIOKafkaProducer(
        bootstrap_servers=stack.kafka, acks="all", enable_idempotence=True, max_request_size=RECORD_BYTES_MAX
    )
    await producer.start()
    await producer.send_and_wait(_topic(stack), b"k" * MEBIBYTE)
    await producer.stop()
    async with connect(stack.mongo, "stack_test") as database:
        await database["kept"].insert_one({"_id": "kept"})


async def _read(stack: Stack) -> None:
    consumer = AIOKafkaConsumer(
        _topic(stack),
        bootstrap_servers=stack.kafka,
        group_id=str(uuid.uuid4()),
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    await consumer.start()
    record = await consumer.getone()
    await consumer.stop()
    assert record.value == b"k" * MEBIBYTE
    async with connect(stack.mongo, "stack_test") as database:
        assert await database["kept"].find_one() == {"_id": "kept"}


def _topic(stack: Stack) -> str:
    return f"stack-test-{uuid.uuid5(uuid.NAMESPACE_URL, str(stack.home))}"


def _exists(pid: int | None) -> bool:
    """Zombies don't count: when they go is up to whoever is their parent by then."""
    assert pid is not None
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
