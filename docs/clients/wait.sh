#!/bin/sh
# Waits for a job, as the page has it: status 0 when, and only when, it has succeeded.
# What belongs to the job itself is indented once, by three blanks.
ends=$(($(date +%s) + TIME_LIMIT))
while [ "$(date +%s)" -lt "$ends" ]; do
    answer=$(curl --silent --max-time 30 --write-out '\n%{http_code}' "$ORTHANC_URL/jobs/$JOB_ID")
    case "$answer" in
    *404) exit 2 ;;
    *200)
        state=$(printf '%s\n' "$answer" | sed -n 's/^   "State" : "\([A-Za-z]*\)",*$/\1/p')
        case "$state" in
        Success) exit 0 ;;
        Failure) exit 1 ;;
        esac
        ;;
    esac
    sleep "${PERIOD:-1}"
done
exit 3
