"""Sends instances to a peer and waits for the job, by what pyorthanc has for it."""

import os
import sys

from pyorthanc import Job, Orthanc

orthanc = Orthanc(os.environ["ORTHANC_URL"])
call = {"Resources": os.environ["INSTANCES"].split(), "Asynchronous": True}
job = Job(orthanc.post_peers_id_store(os.environ["ORTHANC_PEER"], json=call)["ID"], orthanc)
job.wait_until_completion(time_interval=0.2)
sys.exit(0 if job.state.value == "Success" else 1)
