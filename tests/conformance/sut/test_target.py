"""What a user chooses of a server: here the plugins that an Orthanc of our own loads."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.cli.options import ServerOptions
from conformance.errors import BadArgument
from conformance.sut.client import Client
from conformance.sut.target import ORTHANC, Choice

PLUGIN = Path("/usr/share/orthanc/plugins/libModalityWorklists.so")  # Debian's Orthanc brings it


def test_an_orthanc_loads_the_plugin_that_is_named(installed_orthanc: None) -> None:
    choice = ServerOptions(target="orthanc", plugin=[PLUGIN]).choice()
    assert choice.options == ("--plugin", str(PLUGIN.resolve()))
    with choice.server({}) as server:
        client = Client(server.address)
        assert "worklists" in client.get("/plugins").json()
        client.close()
        server.kill()


def test_no_other_server_loads_one_and_it_has_to_be_there() -> None:
    with pytest.raises(BadArgument, match="'orthanc'"):
        ServerOptions(plugin=[PLUGIN]).choice()
    with pytest.raises(BadArgument, match="no file"):
        ServerOptions(target="orthanc", plugin=[Path("/nothing/at/all.so")]).choice()


def test_a_plugin_is_as_the_server_sees_it_where_that_has_a_root_of_its_own() -> None:
    words = {"target": ORTHANC, "server_command": "chroot /srv/x Orthanc {config}"}
    inside = Path("/nothing/at/all.so")
    assert ServerOptions(**words, plugin=[inside]).choice().plugins == (inside,)
    assert Choice().plugins == ()
