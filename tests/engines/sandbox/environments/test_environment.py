import os
import sys
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from typing_extensions import override

from engines.sandbox.environments.cache import Cache
from engines.sandbox.environments.environment import environment_for
from engines.sandbox.environments.pip_builder import PipBuilder
from engines.sandbox.environments.types import BuilderAway, Built, Declared, Environment, Refusal
from engines.sandbox.sandbox import Sandbox
from engines.sandbox.types import Command
from engines.watch import Stopped, Unwatched
from tests.engines.sandbox.environments.wheels import make_source_package, make_wheel


@dataclass
class CountingBuilder:
    """Writes files instead of installing; `away` and `missing` are what it says."""

    identity: str = "counting"
    size_bytes: int = 10
    missing: tuple[Refusal, ...] = ()
    away: str = ""
    built: list[tuple[str, ...]] = field(default_factory=list[tuple[str, ...]])

    def wait(self) -> None:
        raise Stopped

    def build(self, wanted: Declared, folder: Path) -> Built:
        self.built.append(wanted.requirements)
        if self.away:
            raise BuilderAway(self.away)
        (folder / "package.py").write_bytes(bytes(self.size_bytes))
        return Built(self.missing, "log")


class Cancelled(Unwatched):
    @override
    def stop_requested(self) -> bool:
        return True


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    return wanting(tmp_path, "one==1.0")


def wanting(folder: Path, *requirements: str) -> Path:
    checkout = folder / "-".join(requirements).replace("=", "")
    checkout.mkdir(exist_ok=True)
    (checkout / "requirements.txt").write_text("\n".join(requirements) + "\n")
    return checkout


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheels")
    make_wheel(folder, "one", "1.0", "import two\nVALUE = two.VALUE + 1\n", ("two",))
    make_wheel(folder, "two", "2.0", "VALUE = 41\n")
    make_source_package(folder, "source", "1.0", folder / "setup-was-run")
    return folder


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, wheels: Path) -> Environment:
    """Built by pip, while the host's environment names another index and how to enter it."""
    folder = tmp_path_factory.mktemp("built")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("PIP_INDEX_URL", "https://token:secret@example.org")
        patched.setenv("PIP_NO_INDEX", "0")
        checkout = wanting(folder, "one==1.0")
        return environment_for(checkout, Cache(folder / "cache"), PipBuilder(find_links=wheels))


def test_packages_and_what_they_need_can_be_imported_in_the_sandbox(
    sandbox: Sandbox, built: Environment, work: Path
) -> None:
    code = "import sys; sys.path[:0] = sys.argv[1:]; import one; print(one.VALUE)"
    paths = map(str, built.paths)
    command = Command((sys.executable, "-c", code, *paths), work, readable=built.paths)
    outcome = sandbox.run(command)
    assert outcome.stdout == b"42\n", outcome.stderr


def test_what_has_no_wheel_is_left_out_and_named_and_its_setup_never_runs(
    wheels: Path, cache: Cache, tmp_path: Path
) -> None:
    wanted = wanting(tmp_path, "two", "source")
    environment = environment_for(wanted, cache, PipBuilder(find_links=wheels))
    assert [one.requirement for one in environment.missing] == ["source"]
    assert "no wheel" in environment.remedy("source")
    assert (environment.paths[0] / "two.py").exists()
    assert not (wheels / "setup-was-run").exists()


def test_pip_sees_nothing_of_the_hosts_environment(built: Environment) -> None:
    assert built.missing == ()
    assert "secret" not in built.log


def test_an_index_that_does_not_answer_is_said_and_tried_again(
    cache: Cache, checkout: Path
) -> None:
    builder = CountingBuilder(away="The package index does not answer; try again later.")
    for _ in range(2):
        environment = environment_for(checkout, cache, builder)
        assert environment.paths == ()
        assert environment.remedy("one") == (
            "`one==1.0` is not installed: The package index does not answer; try again later."
        )
    assert len(builder.built) == 2


@pytest.mark.parametrize(
    ("builder", "said"),
    [(PipBuilder(timeout_s=0.0), "longer than 0 s"), (PipBuilder(max_bytes=0), "more than 0 MiB")],
)
def test_a_build_is_bounded(
    wheels: Path, cache: Cache, checkout: Path, builder: PipBuilder, said: str
) -> None:
    environment = environment_for(checkout, cache, replace(builder, find_links=wheels))
    assert said in environment.log
    assert list(cache.folder.glob("*building*")) == []


def test_a_build_can_be_stopped(wheels: Path, cache: Cache, checkout: Path) -> None:
    with pytest.raises(Stopped):
        environment_for(checkout, cache, PipBuilder(find_links=wheels, watch=Cancelled()))
    assert [path.suffix for path in cache.folder.iterdir()] == [".lock"]


def test_waiting_for_another_build_of_the_same_can_be_stopped(cache: Cache, checkout: Path) -> None:
    builder = CountingBuilder()
    environment = environment_for(checkout, cache, builder)
    key = environment.paths[0].parent.name
    with cache.alone_with(key, builder.wait), pytest.raises(Stopped):
        environment_for(checkout, cache, builder)


def test_what_needs_something_that_cannot_be_had_is_left_out_alone(
    wheels: Path, cache: Cache, tmp_path: Path
) -> None:
    make_wheel(wheels, "three", "1.0", "", ("nowhere",))
    make_wheel(wheels, "four", "1.0", "", ("two<2",))
    wanted = wanting(tmp_path, "three", "four", "two")
    environment = environment_for(wanted, cache, PipBuilder(find_links=wheels))
    assert (environment.paths[0] / "two.py").exists()
    assert {one.requirement for one in environment.missing} == {"three", "four"}
    assert "four 1.0 depends on two<2" in " ".join(one.reason for one in environment.missing)


def test_nothing_is_built_where_the_worker_has_it_all(cache: Cache, tmp_path: Path) -> None:
    builder = CountingBuilder()
    met = ("pytest", "pytest>=1", "nosuch; python_version < '3'", "coverage[toml]")
    for requirement in met:
        environment = environment_for(wanting(tmp_path, requirement), cache, builder)
        assert (environment.paths, environment.missing) == ((), ())
    assert builder.built == []
    environment_for(wanting(tmp_path, "pytest<1"), cache, builder)
    environment_for(wanting(tmp_path, "pytest[dev]"), cache, builder)
    assert len(builder.built) == 2


def test_the_same_requirements_are_built_once(cache: Cache, tmp_path: Path) -> None:
    builder = CountingBuilder()
    first = environment_for(wanting(tmp_path, "one", "two"), cache, builder)
    again = environment_for(wanting(tmp_path, "two", "one"), cache, builder)
    assert first.paths == again.paths
    assert len(builder.built) == 1
    environment_for(wanting(tmp_path, "one"), cache, builder)
    environment_for(wanting(tmp_path, "one"), cache, CountingBuilder(identity="other index"))
    assert len(list(cache.folder.glob("*/packages"))) == 3


def test_what_was_missing_is_tried_again_after_a_while(
    cache: Cache, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    builder = CountingBuilder(missing=(Refusal("one==1.0", "no wheel"),))
    for _ in range(2):
        assert environment_for(checkout, cache, builder).missing == builder.missing
    assert len(builder.built) == 1
    later = time.time() + 4000
    monkeypatch.setattr("engines.sandbox.environments.cache.time.time", lambda: later)
    environment_for(checkout, cache, builder)
    assert len(builder.built) == 2


def test_the_least_used_make_room_but_not_those_in_use(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache", max_bytes=250_000)
    builder = CountingBuilder(size_bytes=100_000)
    old, recent, new = (
        environment_for(wanting(tmp_path, name), cache, builder) for name in ("a", "b", "c")
    )
    assert all(one.paths[0].exists() for one in (old, recent, new))
    age(old, 9000)
    age(recent, 8000)
    environment_for(wanting(tmp_path, "d"), cache, builder)
    assert [one.paths[0].exists() for one in (old, recent, new)] == [False, False, True]


def age(environment: Environment, seconds: float) -> None:
    note = environment.paths[0].parent / "environment.json"
    used_s = time.time() - seconds
    os.utime(note, (used_s, used_s))


def test_a_torn_note_is_built_again(cache: Cache, checkout: Path) -> None:
    builder = CountingBuilder()
    environment = environment_for(checkout, cache, builder)
    (environment.paths[0].parent / "environment.json").write_text("{")
    assert environment_for(checkout, cache, builder).paths == environment.paths
    assert len(builder.built) == 2


@pytest.mark.parametrize(
    ("requirements", "module", "said"),
    [
        ((), "one", "the repository declares no dependencies"),
        (("two",), "one", "not among the packages that requirements.txt brings in"),
        (("PyYAML @ https://example.org/x",), "yaml", "`PyYAML` is not installed: it is a link"),
        (("python-dateutil @ file:///x",), "dateutil.tz", "`python-dateutil` is not installed"),
    ],
)
def test_an_import_that_fails_has_its_remedy(
    cache: Cache, tmp_path: Path, requirements: tuple[str, ...], module: str, said: str
) -> None:
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    if requirements:
        (checkout / "requirements.txt").write_text("\n".join(requirements))
    assert said in environment_for(checkout, cache, CountingBuilder()).remedy(module)
