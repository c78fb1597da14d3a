"""What the encoding of a state holds, and what is raised where it does not."""

from __future__ import annotations

STATE_BITS = 62  # of 64: the search keeps each state plus one, as 0 is an empty place
RECORD_BITS = 48  # of these, for the numbers of the records; the rest is the outline's number
FEWEST_BITS = 6  # of a record's number: in the smallest scope that there is, a job has 42 records
MOST_JOBS = RECORD_BITS // FEWEST_BITS


class NotPackable(Exception):
    """The engine does something that the packed form cannot say: use `direct` instead."""


class TooLarge(Exception):
    """The scope's states do not fit into 64 bits."""
