"""The corpus of `fuzz`: kept whole or not at all, and shared by whoever names the same database."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from conformance.driver.script import act, restart, retry_later, submit, succeed
from conformance.errors import BadArgument, KitError
from conformance.search.corpus import KEY, Unreachable, opened
from conformance.sut.ports import Ports
from spec.table import Action
from tests.waiting import until

pytestmark = pytest.mark.apart

SHORT = (submit("A", 2, -1), succeed("A"))
LONG = (submit("A"), retry_later("A"), restart(late=True), act(Action.PAUSE, "A"))
SECONDS = 30.0  # for what takes a moment


@pytest.fixture
def unused_port() -> Iterator[int]:
    ports = Ports()
    yield ports.take()
    ports.give_up()


@pytest.fixture
def redis(tmp_path: Path, unused_port: int) -> Iterator[str]:
    """The URL of a Redis."""
    pytest.importorskip("redis", reason="redis is not installed: pip install '.[fuzz]'")
    if shutil.which("redis-server") is None:
        pytest.skip("redis-server is not installed: tools/debian-packages redis-server")
    words = ["--port", str(unused_port), "--bind", "127.0.0.1", "--save", "", "--requirepass", "pw"]
    server = subprocess.Popen(
        ["redis-server", *words], cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT
    )
    url = f"redis://:pw@127.0.0.1:{unused_port}/0"

    def answers() -> bool:
        with suppress(Unreachable):
            return opened(url) is not None
        return False

    try:
        until(answers, SECONDS)
        yield url
    finally:
        server.kill()
        server.wait()


def shared(where: str) -> None:
    """What one keeps, another has, the shortest first; and again, when it is opened anew."""
    one, other = opened(where), opened(where)
    one.keep(LONG)
    assert other.sequences() == [LONG]
    other.keep(SHORT)
    other.keep(LONG)
    assert one.sequences() == opened(where).sequences() == [SHORT, LONG]


def test_a_folder_is_shared(tmp_path: Path) -> None:
    shared(str(tmp_path / "of" / "mine"))


def test_a_redis_is_shared(redis: str) -> None:
    shared(redis)


def test_a_redis_that_does_not_let_us_in_is_named_without_the_password(redis: str) -> None:
    with pytest.raises(Unreachable) as error:
        opened(redis.replace(":pw@", ":secret@"))
    assert "--database redis://***@127.0.0.1" in str(error.value)
    assert "secret" not in str(error.value)


def test_what_others_have_written_is_left_alone(tmp_path: Path) -> None:
    corpus = opened(str(tmp_path))
    for value in (b"", b"\xff", b"{}", b"[7]", b'[{"do": "pause", "job": "A"}]', b"[" * 100_000):
        corpus.database.save(KEY, value)
    corpus.keep(SHORT)
    assert corpus.sequences() == [SHORT]


@pytest.mark.parametrize(
    ("where", "told"),
    [
        ("file", "no folder can be made"),
        ("http://localhost:1", "redis://, rediss:// or unix://"),
        ("http://me:secret@localhost:1", "//***@localhost"),
        ("redis://localhost:port", "--database redis://localhost:port"),
        ("redis://:secret@127.0.0.1:{port}", "--database redis://***@127.0.0.1"),
    ],
)
def test_a_database_that_cannot_be_used_is_named_in_two_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unused_port: int, where: str, told: str
) -> None:
    if where.startswith("redis"):
        pytest.importorskip("redis", reason="redis is not installed: pip install '.[fuzz]'")
    monkeypatch.chdir(tmp_path)
    Path("file").touch()
    with pytest.raises(KitError) as error:
        opened(where.format(port=unused_port))
    assert isinstance(error.value, BadArgument | Unreachable)
    text = str(error.value)
    assert told in text
    assert "secret" not in text
    assert len(text.splitlines()) <= 2


def test_a_folder_in_which_nothing_can_be_written_is_told_before_the_search(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hypothesis.database import DirectoryBasedExampleDatabase

    def full(*_: object) -> None:
        """Hypothesis drops what an operating system says of a full disk."""

    monkeypatch.setattr(DirectoryBasedExampleDatabase, "save", full)
    with pytest.raises(Unreachable, match="nothing can be written"):
        opened(str(tmp_path))
