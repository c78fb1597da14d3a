#!/bin/sh
# Waits for a job as the page says, and no more: reads State until it is Success or Failure.
while true; do
    job=$(curl --silent "$ORTHANC_URL/jobs/$JOB_ID")
    case "$job" in
    *'"State" : "Success"'*) exit 0 ;;
    *'"State" : "Failure"'*) exit 1 ;;
    esac
    sleep 0.2
done
