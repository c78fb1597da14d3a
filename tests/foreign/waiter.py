"""Somebody's client: it waits for jobs."""

import json
import time
import urllib.error
import urllib.request


def state(url: str, job: str) -> str | None:
    """The State of a job; None where nothing was answered. Raises `LookupError`: it is gone."""
    try:
        with urllib.request.urlopen(f"{url}/jobs/{job}", timeout=60) as answer:
            return json.load(answer)["State"]
    except urllib.error.HTTPError as error:
        if error.code == 404:
            raise LookupError(job) from None
        return None
    except OSError:
        return None


def wait(url: str, job: str, seconds: float = 5.0) -> bool:
    """Whether a job ends in Success, in the time that it has."""
    ends = time.monotonic() + seconds
    while (found := state(url, job)) not in ("Success", "Failure"):
        if time.monotonic() > ends and found in ("Paused", "Pending"):
            return False
        time.sleep(0.02)
    return found == "Success"
