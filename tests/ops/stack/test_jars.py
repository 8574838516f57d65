"""Kafka is exactly what the lock names, from anywhere."""

import tomllib
from pathlib import Path

import pytest

from ops.stack.errors import StackError
from ops.stack.jars import LOCK, Jar, cache_folder, fetch_jars, locked_jars

NOBODY_THERE = {"central": "http://127.0.0.1:1"}


def test_all_of_kafka_has_one_version() -> None:
    named = tomllib.loads(LOCK.with_name("jgo.toml").read_text())["dependencies"]["coordinates"]
    [version] = [each.split(":")[2] for each in named if each.startswith("org.apache.kafka:")]
    kafka = {jar.artifact: jar.version for jar in locked_jars() if jar.group == "org.apache.kafka"}
    assert len(kafka) > 10
    assert set(kafka.values()) == {version}, kafka


def test_every_jar_has_a_checksum() -> None:
    assert all(len(jar.sha256) == 64 for jar in locked_jars())


def test_lock_names_no_host() -> None:
    assert "//" not in LOCK.read_text()


def test_changed_jar_is_not_good(tmp_path: Path) -> None:
    jar = Jar("org.example", "a", "1", "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824")
    path = jar.path(tmp_path)
    path.parent.mkdir(parents=True)
    path.write_text("hello")
    assert jar.is_good(tmp_path)
    path.write_text("hellO")
    assert not jar.is_good(tmp_path)


def test_without_a_network_the_way_out_is_told(tmp_path: Path) -> None:
    with pytest.raises(StackError, match=r"connect to the network once .* KEPU_KAFKA"):
        fetch_jars(tmp_path, lambda _: None, NOBODY_THERE)


def test_cache_that_can_not_be_written_is_told_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "home").touch()
    with pytest.raises(StackError, match="set XDG_CACHE_HOME"):
        fetch_jars(tmp_path / "home" / ".cache", lambda _: None, NOBODY_THERE)


def test_jars_are_cached_by_what_the_lock_says(tmp_path: Path) -> None:
    assert cache_folder({"XDG_CACHE_HOME": str(tmp_path)}).parent == tmp_path / "kepu"
