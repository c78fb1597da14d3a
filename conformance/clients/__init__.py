"""The other side of the wire: is a client of ``/jobs`` right?

A client is run once for each *scenario*, a history of one job on a reference server under control.
It has to end with success when, and only when, the job has. What happens next in a scenario waits
for what the client asks, and for no clock; so it is the same on any machine.
"""
