"""The servers whose beginning and whose end nobody waits for."""

from __future__ import annotations

from conformance.session.yard import Yard
from conformance.sut.client import Client
from conformance.sut.identity import identify
from conformance.sut.managed import Managed
from conformance.sut.target import Choice

SIZE = {"JobsHistorySize": 3}


def with_one_ready() -> tuple[Yard, Managed]:
    yard = Yard()
    yard.prepare(Choice(), SIZE)
    assert yard.ready is not None
    prepared = yard.ready[1]
    return yard, prepared


def test_a_prepared_server_is_the_one_that_is_lent() -> None:
    yard, prepared = with_one_ready()
    with yard.lend(Choice(), SIZE) as server:
        assert server is prepared
        assert yard.ready is None
        client = Client(server.address)
        assert identify(client).declared["JobsHistorySize"] == 3
        client.close()
    yard.clear(10)
    assert server.ended()


def test_one_of_another_configuration_is_not_lent() -> None:
    yard, prepared = with_one_ready()
    with yard.lend(Choice(), {}) as server:
        assert server is not prepared
    yard.clear(10)
    assert prepared.ended()


def test_a_prepared_server_ends_with_the_run() -> None:
    yard, prepared = with_one_ready()
    folder = prepared._folder
    assert folder is not None
    assert folder.exists()
    yard.clear(10)
    assert prepared.ended()
    assert not folder.exists()
