"""What most commands work out, worked out once before they are forked (`tests.forked`)."""

from __future__ import annotations

import gc

from conformance.campaign import typed
from conformance.suites import by_chance, place
from conformance.sut.profile import Profile

place("")
by_chance("")
typed.by_type((), Profile().version)
gc.collect()
gc.freeze()  # what is imported and worked out stays: no fork has to look for garbage in it
