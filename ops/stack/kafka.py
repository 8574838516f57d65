"""Apache Kafka as one KRaft node or as three: files, the formatting before a first start, checks."""

import asyncio
import base64
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, for_code

from ops.named import named_kafka
from ops.stack.errors import NotReady, StackError
from ops.stack.jars import cache_folder, fetch_jars
from ops.stack.java import ENVIRONMENT, find_java, packaged_version, write_arguments
from ops.stack.process import Command
from ops.stack.server import Ports, name_of
from ops.stack.start_cache import StartCache
from shared.messaging.connection import Kafka as ConnectedTo
from shared.messaging.connection import client_arguments

REQUEST_TIMEOUT_MS = 5_000
FORMAT_SECONDS_MAX = 60.0
HEAP_MB = 512
RECORD_BYTES_MAX = 2 * 1024**2
TRANSACTION_MS_MAX = 2_000
# What a request announces is allocated at once, before anything is known of its sender, and kept as long as
# the sender takes. All of it stays below the heap. All connections of one address together announce less
# than that: otherwise one address stops Kafka for everybody. Our own are smaller: `PORTION_BYTES_MAX`.
REQUEST_BYTES_MAX = 3 * 1024**2
REQUESTS_BYTES_MAX = 320 * 1024**2
CONNECTIONS_MAX = 96
IDLE_MS_MAX = 60_000
# The bench sets this variable: it fills a log within one transaction, which takes longer.
TRANSACTION_MS_VARIABLE = "KEPU_STACK_TRANSACTION_MS"
# Chaos sets this one: each node listens at one more port, and tells its clients there to come to the other
# port, where a proxy stands. PORT:TOLD_PORT[,PORT:TOLD_PORT…], in the order of the nodes.
PROXIED_VARIABLE = "KEPU_STACK_KAFKA_PROXIED"

# Relative paths: no character of the home's path can then break Java's properties or Kafka's comma lists.
DATA = "data"
FORMING = "data.forming"
# Java's own crash report.
CRASH = "crash.log"

PROTOCOLS = "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,PROXIED:PLAINTEXT"

PROPERTIES = """\
process.roles=broker,controller
node.id={node}
{quorum}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}{proxied}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}{told}
{protocols}
controller.listener.names=CONTROLLER
log.dirs={data}
# A misspelt topic is an error, not a new topic.
auto.create.topics.enable=false
# For the whole broker. Each topic sets its own, lower limit.
message.max.bytes={record_bytes_max}
replica.fetch.max.bytes={record_bytes_max}
# A single node has one copy of what a cluster keeps three times.
offsets.topic.replication.factor={copies}
offsets.topic.num.partitions=4
transaction.state.log.replication.factor={copies}
transaction.state.log.min.isr={in_sync}
transaction.state.log.num.partitions=2
# An open transaction of another system holds up everybody who reads behind it. It is aborted after this time
# and the second that the broker takes to notice.
transaction.max.timeout.ms={transaction_ms_max}
transaction.abort.timed.out.transaction.cleanup.interval.ms=1000
# A connection of anybody may announce a request of this size and send no more of it.
socket.request.max.bytes={request_bytes_max}
queued.max.request.bytes={requests_bytes_max}
max.connections.per.ip={connections_max}
connections.max.idle.ms={idle_ms_max}
share.coordinator.state.topic.replication.factor={copies}
share.coordinator.state.topic.min.isr={in_sync}
group.initial.rebalance.delay.ms=0
# A killed broker or consumer can come back only after its old session has timed out.
broker.session.timeout.ms=2000
broker.heartbeat.interval.ms=500
group.min.session.timeout.ms=1000
"""


# What a cluster has besides: topics that name no settings of their own lose nothing with a broker.
OF_CLUSTER = """\
default.replication.factor={copies}
min.insync.replicas={in_sync}
# The quorum elects another controller as soon as its leader is silent for this time.
controller.quorum.fetch.timeout.ms=1500
controller.quorum.election.timeout.ms=750
# All nodes stop together. A node that hands over its partitions first would wait for the others.
controlled.shutdown.enable=false
"""


class Kafka:
    kind = "kafka"
    # The second port is for the controller.
    port_count = 2

    def __init__(
        self, folder: Path, environment: Mapping[str, str], tell: Callable[[str], None], place: int = 0
    ) -> None:
        self.place = place
        self.name = name_of(self.kind, place)
        self._folder = folder
        self._environment = environment
        self._tell = tell
        self._transaction_ms_max = int(environment.get(TRANSACTION_MS_VARIABLE, TRANSACTION_MS_MAX))
        proxied = environment.get(PROXIED_VARIABLE, "")
        self._proxied = proxied.split(",")[place] if proxied else ""
        self._cache = cache_folder(environment)
        java_version = packaged_version(environment)
        self._start_cache = StartCache(
            self._cache / f"java-{java_version}.aot" if java_version else None, tell
        )

    def address(self, ports: Ports) -> str:
        """Bootstrap servers, host:port[,host:port]."""
        return ",".join(f"127.0.0.1:{first}" for first, *_ in ports)

    def command(self, ports: Ports) -> Command:
        """Prepare all files, formatted data included, and return the command that starts Kafka."""
        jars = fetch_jars(self._cache, self._tell)
        self._start_cache.fill(
            lambda folder, training_ports, flags: self._alone().prepare(folder, [training_ports], jars, flags)
        )
        return self.prepare(self._folder, ports, jars)

    def leave_out_start_cache(self) -> bool:
        # Java itself crashed, not Kafka. The likely cause is the cache, and Kafka starts without it too.
        return (self._folder / CRASH).exists() and self._start_cache.give_up()

    async def check(self, ports: Ports) -> None:
        """
        Raises:
            NotReady: the broker can't create a topic yet, or has no coordinator for groups. In a cluster
                also: it is no member yet, or has not caught up with the leaders of its partitions.
        """
        async with _admin(self.address([ports[self.place]])) as admin:
            if len(ports) > 1:
                await _check_caught_up(admin, self.place + 1)
            # To place a replica, the controller needs a live broker. After a kill that takes a while.
            answer = await admin.create_topics([NewTopic("kepu.stack", 1, 1)], validate_only=True)
            for _, code, *_ in answer.topic_errors:
                if code:
                    raise for_code(code)
            # The first request makes the broker create its topic of offsets. Asked here, so that the first
            # consumer of a new stack does not log that there is no coordinator.
            await admin.find_coordinator("kepu.stack")

    async def check_outside(self, address: str) -> None:
        """
        Raises:
            NotReady: no broker answers there.
        """
        async with _admin(named_kafka(address, self._environment)) as admin:
            await admin.describe_cluster()

    def _alone(self) -> "Kafka":
        """The same as a single node: so is the start that is recorded."""
        return Kafka(self._folder, self._environment, self._tell) if self.place else self

    def prepare(
        self,
        folder: Path,
        ports: Ports,
        jars: Sequence[Path],
        recording: Sequence[str] = (),
    ) -> Command:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / CRASH).unlink(missing_ok=True)
        shutil.copyfile(Path(__file__).with_name("log4j2.xml"), folder / "log4j2.xml")
        write_arguments(
            folder / "java.args",
            [
                "-Xms256m",
                f"-Xmx{HEAP_MB}m",
                "-XX:+UseSerialGC",
                # Otherwise Java leaves a folder in /tmp for each user.
                "-XX:-UsePerfData",
                f"-XX:ErrorFile={CRASH}",
                "-Dlog4j2.configurationFile=log4j2.xml",
                *("-cp", os.pathsep.join(map(str, jars))),
            ],
        )
        java = str(find_java(self._environment))
        arguments = f"@{folder / 'java.args'}"
        if not (folder / DATA).exists():
            try:
                self._format(folder, ports, (java, *self._start_cache.flags(), arguments))
            except StackError:
                if not self.leave_out_start_cache():
                    raise
                self._format(folder, ports, (java, arguments))
        text = properties(ports[self.place], DATA, self._transaction_ms_max, ports, self.place, self._proxied)
        (folder / "server.properties").write_text(text)
        flags = recording or self._start_cache.flags()
        return Command((java, *flags, arguments, "kafka.Kafka", "server.properties"), folder, ENVIRONMENT)

    def _format(self, folder: Path, ports: Ports, java: Sequence[str]) -> None:
        text = properties(ports[self.place], FORMING, cluster=ports, place=self.place)
        siblings = [folder.with_name(name_of(self.kind, place)) for place in range(len(ports))]
        known = next(filter(None, map(_cluster_id, siblings if len(ports) > 1 else [])), None)
        _format(folder, text, known or _new_cluster_id(), java, alone=len(ports) == 1)


def _new_cluster_id() -> str:
    return base64.urlsafe_b64encode(os.urandom(16)).decode().rstrip("=")


def _cluster_id(folder: Path) -> str | None:
    """The id of the cluster that a node was formatted for."""
    formatted = folder / DATA / "meta.properties"
    lines = formatted.read_text().splitlines() if formatted.exists() else []
    return next((line.partition("=")[2] for line in lines if line.startswith("cluster.id=")), None)


def _format(folder: Path, text: str, cluster_id: str, java: Sequence[str], *, alone: bool) -> None:
    """Format a folder beside the data folder and rename it at the end: a kill leaves nothing half done."""
    shutil.rmtree(folder / FORMING, ignore_errors=True)
    (folder / "format.properties").write_text(text)
    # With "=": one id in sixty-four starts with a dash, and would otherwise be read as an option.
    tool = ["kafka.tools.StorageTool", "format", f"--cluster-id={cluster_id}"]
    if alone:
        # The settings of a cluster name all voters.
        tool.append("--standalone")
    try:
        done = subprocess.run(
            (*java, *tool, "--config", "format.properties"),
            cwd=folder,
            env={**os.environ, **ENVIRONMENT},
            timeout=FORMAT_SECONDS_MAX,
            check=False,
            capture_output=True,
            text=True,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise StackError(
            f"Kafka's data can't be formatted in {folder} ({error}): remove that folder and try again"
        ) from error
    if done.returncode != 0:
        last = "\n".join((done.stdout + done.stderr).strip().splitlines()[-12:])
        raise StackError(
            f"Kafka's data can't be formatted in {folder}: remove that folder and try again. It said:\n{last}"
        )
    (folder / FORMING).rename(folder / DATA)


def properties(
    ports: Sequence[int],
    data: str,
    transaction_ms_max: int = TRANSACTION_MS_MAX,
    cluster: Ports = (),
    place: int = 0,
    proxied: str = "",
) -> str:
    """
    Kafka's settings, as the text of their file.

    Args:
        ports: of this node.
        cluster: the ports of all nodes, if it is one of several; `place` says which.
        proxied: PORT:TOLD_PORT of one more listener, whose clients are told to come to another port.
    """
    port, controller_port = ports
    own, _, told = proxied.partition(":")
    in_cluster = len(cluster) > 1
    voters = [f"{number}@127.0.0.1:{voter}" for number, (_, voter) in enumerate(cluster, 1)]
    quorum = (
        f"controller.quorum.voters={','.join(voters)}"
        if in_cluster
        else f"controller.quorum.bootstrap.servers=127.0.0.1:{controller_port}"
    )
    return (PROPERTIES + OF_CLUSTER * in_cluster).format(
        node=place + 1,
        quorum=quorum,
        copies=max(1, len(cluster)),
        in_sync=max(1, len(cluster) - 1),
        port=port,
        controller_port=controller_port,
        proxied=f",PROXIED://127.0.0.1:{own}" if proxied else "",
        told=f",PROXIED://127.0.0.1:{told}" if proxied else "",
        protocols=f"listener.security.protocol.map={PROTOCOLS}" if proxied else "",
        data=data,
        record_bytes_max=RECORD_BYTES_MAX,
        transaction_ms_max=transaction_ms_max,
        request_bytes_max=REQUEST_BYTES_MAX,
        requests_bytes_max=REQUESTS_BYTES_MAX,
        connections_max=CONNECTIONS_MAX,
        idle_ms_max=IDLE_MS_MAX,
    )


async def _check_caught_up(admin: AIOKafkaAdminClient, node: int) -> None:
    if node not in {broker["node_id"] for broker in (await admin.describe_cluster())["brokers"]}:
        raise NotReady("it is no member of the cluster yet")
    # As long as it is behind, another broker that dies takes away the second copy that each write needs.
    behind = sum(
        node in partition["replicas"] and node not in partition["isr"]
        for topic in await admin.describe_topics()
        for partition in topic["partitions"]
    )
    if behind:
        raise NotReady(f"it has not caught up in {behind} partitions")


@asynccontextmanager
async def _admin(kafka: ConnectedTo) -> AsyncIterator[AIOKafkaAdminClient]:
    """A client for one question. Any error of it means that Kafka is not ready."""
    await _knock(str(kafka))
    admin = AIOKafkaAdminClient(**client_arguments(kafka), request_timeout_ms=REQUEST_TIMEOUT_MS)
    try:
        try:
            await admin.start()
            yield admin
        finally:
            await admin.close()
    except (KafkaError, OSError, TimeoutError) as error:
        raise NotReady(f"{type(error).__name__}: {error}") from error


async def _knock(address: str) -> None:
    """Check that a bootstrap server accepts: the client would log an error for each that does not."""
    for server in address.split(","):
        host, _, port = server.strip().rpartition(":")
        try:
            _, writer = await asyncio.open_connection(host.strip("[]"), int(port))
        except ValueError:
            raise NotReady(f"{server!r} is no address of the form HOST:PORT") from None
        except OSError:
            continue
        writer.close()
        return
    raise NotReady(f"nobody listens at {address}")
