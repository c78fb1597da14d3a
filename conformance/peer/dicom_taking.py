"""Whether somebody's server takes instances of a class over DICOM: an association that sends none.

An Orthanc may be told which it takes (AcceptedSopClasses, RejectedSopClasses), and does not say so.
"""

from __future__ import annotations

from pynetdicom.ae import ApplicationEntity

from conformance.timing import TIMING


def refuses(where: tuple[str, int], called: str, title: str, sop_class: str) -> bool:
    """Whether a server that listens there answers ``title`` that it takes no such instance.

    One that does not listen, or takes no association of that title, has not said so.
    """
    entity = ApplicationEntity(title)
    entity.connection_timeout = entity.acse_timeout = TIMING.associates
    entity.add_requested_context(sop_class)
    association = entity.associate(*where, ae_title=called)
    if association.is_established:
        association.release()
    return any(one.abstract_syntax == sop_class for one in association.rejected_contexts)
