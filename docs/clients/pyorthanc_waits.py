"""Waits for a job by what pyorthanc has for it."""

import os
import sys

from pyorthanc import Job, Orthanc

job = Job(os.environ["JOB_ID"], Orthanc(os.environ["ORTHANC_URL"]))
job.wait_until_completion(time_interval=0.2)
sys.exit(0 if job.state.value == "Success" else 1)
