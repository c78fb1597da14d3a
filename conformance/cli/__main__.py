"""`python -m conformance.cli`: the command `orthanc-jobs`."""

from conformance.cli.main import main

main()
