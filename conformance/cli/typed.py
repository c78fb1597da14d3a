"""The command as it was typed, which reports name."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Sequence

from conformance.text import hidden


def typed(secrets: Sequence[str] = ()) -> str:
    """The command as it was typed, without what lets us in."""
    words = [re.sub(r"//[^/\s]*@", "//", word) for word in sys.argv[1:]]
    return shlex.join(["orthanc-jobs", *(hidden(word, secrets) for word in words)])
