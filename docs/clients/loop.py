"""Waits for a job as the page says, and no more: reads State until it is Success or Failure."""

import os
import sys
import time

import requests

url = f"{os.environ['ORTHANC_URL']}/jobs/{os.environ['JOB_ID']}"
while (state := requests.get(url, timeout=60).json()["State"]) not in ("Success", "Failure"):
    time.sleep(0.2)
sys.exit(0 if state == "Success" else 1)
