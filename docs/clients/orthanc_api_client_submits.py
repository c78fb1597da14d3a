"""Sends instances to a peer and waits for the job, by what orthanc-api-client has for it."""

import os
import sys

from orthanc_api_client import OrthancApiClient
from orthanc_api_client.job import JobStatus

orthanc = OrthancApiClient(os.environ["ORTHANC_URL"])
job = orthanc.peers.send_async(os.environ["ORTHANC_PEER"], os.environ["INSTANCES"].split())
done = job.wait_completed(timeout=float(os.environ["TIME_LIMIT"]), polling_interval=0.2)
sys.exit(0 if done and job.info.status == JobStatus.SUCCESS else 1)
