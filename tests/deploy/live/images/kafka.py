"""Stands in for the start of apache/kafka: variables become properties, new data is formatted, Kafka runs."""

import os
import subprocess
import sys
from pathlib import Path

NOT_PROPERTIES = {"KAFKA_HEAP_OPTS"}
properties = {
    name.removeprefix("KAFKA_").lower().replace("_", "."): value
    for name, value in os.environ.items()
    if name.startswith("KAFKA_") and name not in NOT_PROPERTIES
}
file = Path("/tmp/server.properties")  # noqa: S108 (of the container)
file.write_text("".join(f"{name}={value}\n" for name, value in properties.items()))
java = [
    "/opt/java/bin/java",
    *os.environ["KAFKA_HEAP_OPTS"].split(),
    "-XX:+UseSerialGC",
    "-Dlog4j2.configurationFile=/opt/kafka/log4j2.xml",
    *("-cp", "/opt/kafka/*"),
]
if not (Path(properties["log.dirs"]) / "meta.properties").exists():
    tool = ["kafka.tools.StorageTool", "format", f"--cluster-id={os.environ['CLUSTER_ID']}", "-c", str(file)]
    if subprocess.run([*java, *tool], check=False).returncode:
        sys.exit("Kafka's data cannot be formatted")
os.execv(java[0], [*java, "kafka.Kafka", str(file)])  # noqa: S606
