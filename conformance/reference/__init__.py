"""The reference server: a second, independent implementation of Orthanc's jobs engine.

It implements the documentation page of Orthanc 1.5.6 with real worker threads and a real queue,
and imports nothing from ``spec``: where the two agree, two readings of the page agree.

The modules, from the inside out:

========================  ======================================================================
``errors``                Orthanc's error codes, and the errors that a REST call ends with
``clock``                 the time of one server, which a test may move
``job``                   what a job is, and how it reads as JSON
``registry``              every decision on jobs: actions, queue, step boundaries, history
``engine``                the threads that drive the registry, and the one lock around it
``database``              the SQLite file in which jobs and instances outlive the process
``records``               any task or status of a job as text, and back
``persistence``           saves each change of a job at once, and loads the jobs at the start
``tasks``                 the kinds of job: what each has to do, and what is shown of it
``work``                  who does the steps of which kind
``peer_connection``       requests to a peer, each sent at most once
``steps``                 a step that is one POST of one instance to a peer
``dicom_steps``           a step that is a C-STORE or a C-MOVE, over ``associations``
``rewriting``             a step that makes a changed copy of an instance
``archiving``             a step that reads an instance into an archive
``dicom``, ``storage``    instances, their identifiers, and where they are kept
``metadata``, ``changes`` whence they came, and what is new
``transcoding``           transfer syntaxes
``matching``              whether an instance is what a query asks for
``peers``, ``modalities`` what ``PUT /peers/{name}`` and ``PUT /modalities/{name}`` accept
``peer_book``             the peers that there are
``submission``, ``calls`` what a call that creates a job asks for, and when it is answered
``*_api``, ``app``        the REST calls, a module for each family
``dicom_server``          the DICOM port
``server``                the process: signals, the line that announces it, the clean stop
``double``                the same on threads of somebody's process, for tests
``control``               what a test may do to it: hold steps, spoil answers, move the clock
``releases``              which page it keeps to, and what each release has
``transfers``             the transfers accelerator: pushes, pulls, and the calls around them
``openapi``               its calls as a document
``faults``                the named faults that can be planted, to measure a kit's power
========================  ======================================================================
"""
