"""Waits for a job by what orthanc-api-client has for it."""

import os
import sys

from orthanc_api_client import OrthancApiClient
from orthanc_api_client.job import Job, JobStatus

job = Job(OrthancApiClient(os.environ["ORTHANC_URL"]), os.environ["JOB_ID"])
done = job.wait_completed(timeout=float(os.environ["TIME_LIMIT"]), polling_interval=0.2)
sys.exit(0 if done and job.info.status == JobStatus.SUCCESS else 1)
