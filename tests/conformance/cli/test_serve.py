"""`orthanc-jobs serve`: what it tells."""

from __future__ import annotations

import re
import signal
import subprocess
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.conformance.kit import COMMAND

pytestmark = pytest.mark.apart


@pytest.mark.parametrize("words", [[], ["--log"]])
def test_each_request_is_told_where_that_is_asked_for(words: list[str], tmp_path: Path) -> None:
    command, pipe = [*COMMAND, "serve", "--port", "0", *words], subprocess.PIPE
    with subprocess.Popen(command, cwd=tmp_path, stdout=pipe, stderr=pipe, text=True) as served:
        assert served.stdout is not None
        url = served.stdout.readline().split()[-1]
        assert str(tmp_path) in served.stdout.readline()  # where its data are
        with urlopen(f"{url}/jobs?expand") as answer:
            assert answer.status == 200
        served.send_signal(signal.SIGTERM)
        told = served.communicate(timeout=60)[1]
    assert served.returncode == 0
    line = r'\d\d:\d\d:\d\d 127\.0\.0\.1:\d+ - "GET /jobs\?expand HTTP/1\.1" 200\n'
    assert re.fullmatch(line if words else "", told), told
