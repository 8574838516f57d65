"""
Renews ops/jgo.lock.toml from ops/jgo.toml: python -m ops.stack.relock

jgo's own `lock` command would fetch a second Java to sort the jars into modules. A plain class path does not
need that.
"""

import tempfile
from pathlib import Path

from jgo.constants import MAVEN_CENTRAL_URL
from jgo.env import EnvironmentBuilder, EnvironmentSpec, LockFile
from jgo.maven import MavenContext

from ops.stack.jars import LOCK

SCOPES = ("compile", "runtime")


def relock() -> None:
    spec = EnvironmentSpec.load(LOCK.with_name("jgo.toml"))
    with tempfile.TemporaryDirectory() as repository:
        maven = MavenContext(repo_cache=Path(repository), remote_repos={"central": MAVEN_CENTRAL_URL})
        named = EnvironmentBuilder(context=maven).spec_to_dependencies(spec)
        inputs, transitive = maven.resolver.resolve(named)
        needed = [*inputs, *(each for each in transitive if each.scope in SCOPES)]
        LockFile.from_resolved_dependencies(needed, environment_name=spec.name).save(LOCK)
    print(f"{LOCK}: {len(needed)} jars")


if __name__ == "__main__":
    relock()
