"""By what everything that the kit makes on a server is known to be the kit's, whatever run made it.

A run that was killed cannot say what it left. So each name, address, title and Priority that it
makes has a form that nobody else uses: what has it was made by some run of the kit.
"""

from __future__ import annotations

import hashlib
import re
import secrets

PREFIX = "orthanc-jobs-"
TITLE = "OJ"  # of an application entity, whose title has room for 16 characters
RUN = "[0-9a-f]{8}"
NAME = re.compile(f"{PREFIX}{RUN}-[0-9]+")  # of a peer or a modality
PATIENT = re.compile(f"{PREFIX}{RUN}(-{RUN})?")  # a PatientID
GATE = re.compile(f"/{PREFIX}[0-9a-f]{{32}}/|\\b{TITLE}[0-9A-F]{{10}}[0-9]{{4}}\\b")
LEAST_URGENT = 2**30  # what is less urgent than this is behind all that anybody else submits


def run() -> str:
    """Of a new run: what its peers and its patients are named by."""
    return secrets.token_hex(4)


def path() -> str:
    """The secret part of a gate's address."""
    return f"{PREFIX}{secrets.token_hex(16)}"


def title() -> str:
    """The secret part of a gate's titles."""
    return f"{TITLE}{secrets.token_hex(5).upper()}"


def priority() -> int:
    """A Priority that no other job has: by it, jobs that do not send to a gate are known."""
    return -LEAST_URGENT - secrets.randbelow(LEAST_URGENT)


def is_priority(value: object) -> bool:
    """Whether `priority` makes such ones."""
    return type(value) is int and -2 * LEAST_URGENT < value <= -LEAST_URGENT


def orthanc_id(*names: str) -> str:
    """The id under which Orthanc stores what these DICOM identifiers name: their SHA-1."""
    digest = hashlib.sha1("|".join(names).encode()).hexdigest()
    return "-".join(digest[i : i + 8] for i in range(0, 40, 8))
