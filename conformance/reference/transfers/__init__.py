"""The transfers accelerator: what Orthanc's plugin of this name adds to it.

==============  ================================================================================
``options``     the section ``Transfers`` of the configuration
``resources``   from what a caller lists to instances, and to buckets
``messages``    the requests of one job to its peer
``pushing``     the steps of a push
``pulling``     the steps of a pull
``received``    what has arrived of a transfer, until it is all there
``receiving``   the calls of those who push to this server
``giving``      the calls of those who pull from it
``api``         the calls of clients
==============  ================================================================================

Sources: the Orthanc Book, "Transfers accelerator plugin", for what it is for and for the options;
everything on the wire was measured with versions 1.4 and 1.7 of the plugin.
"""
