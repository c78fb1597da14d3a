"""Waits for a job, as the page has it: status 0 when, and only when, it has succeeded."""

import json
import os
import sys
import time
import urllib.error
import urllib.request

url = f"{os.environ['ORTHANC_URL']}/jobs/{os.environ['JOB_ID']}"
period = float(os.environ.get("PERIOD", "1"))  # seconds between two looks
ends = time.monotonic() + float(os.environ["TIME_LIMIT"])
while time.monotonic() < ends:
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:
            state = json.load(answer)["State"]
    except urllib.error.HTTPError as error:
        if error.code == 404:
            sys.exit("the job is gone")
        state = None
    except (OSError, ValueError):  # nothing answers, or not in full: that says nothing of the job
        state = None
    if state == "Success":
        sys.exit(0)
    if state == "Failure":
        sys.exit("the job has failed")
    time.sleep(period)
sys.exit("it takes too long")
