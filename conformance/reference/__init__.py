"""The reference server: a second, independent implementation of Orthanc's jobs engine.

It implements the documentation page of Orthanc 1.5.6 with real worker threads and a real queue,
and imports nothing from ``spec``: where the two agree, two readings of the page agree.

The modules, from the inside out:

========================  ======================================================================
``errors``                Orthanc's error codes, and the errors that a REST call ends with
``job``                   what a job is, and how it reads as JSON
``registry``              every decision on jobs: actions, queue, step boundaries, history
``engine``                the threads that drive the registry, and the one lock around it
``steps``                 one step: one POST of one instance to a peer
``dicom``, ``storage``    instances, their identifiers, and where they are kept
``peers``, ``submission`` what ``PUT /peers/{name}`` and ``POST /peers/{name}/store`` accept
``*_api``, ``app``        the REST calls
``server``                the process: signals, the line that announces it, the clean stop
``faults``                the named faults that can be planted, to measure a kit's power
========================  ======================================================================
"""
