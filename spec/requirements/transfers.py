"""The transfers accelerator, a plugin: `route/transfers…`.

What the documents say is on the page of the Orthanc Book about the plugin, and in its release
notes. They are silent about what two servers say to each other (``/transfers/lookup``, ``chunks``
and ``push``): which status a malformed call is answered is said nowhere, and no caller but the
plugin itself depends on it, so no entry is about that.
"""

from __future__ import annotations

from spec.requirements.model import OF_TRANSFERS, PLUGIN, PLUGIN_NEWS, Need, Requirement
from spec.requirements.section import OF_CALLS, Section
from spec.table import Ground

# An entry is two to four lines; the formatter would give each argument a line of its own.
# fmt: off

r = Section("route")
DESCRIPTION = f"{PLUGIN}, Description"
OPTIONS = f"{PLUGIN}, Advanced options"


def _seen(name: str, sentence: str, note: str | None = None) -> Requirement:
    """What the transfers accelerator was seen to do."""
    return r.seen(
        f"transfers-{name}", sentence, needs={Need.TRANSFERS}, source=OF_TRANSFERS, note=note
    )


def _told(
    name: str, sentence: str, source: str, need: Need, *,
    reading: str | None = None, note: str | None = None,
) -> Requirement:
    """What a document of the plugin says, which has no versions of Orthanc."""
    return Requirement(
        f"route/transfers-{name}", sentence, source, Ground.DOCUMENTED,
        reading=reading, note=note, needs=frozenset({Need.TRANSFERS, need}),
    )


ENTRIES: tuple[Requirement, ...] = (
    r.page("transfers", "A transfer by the transfers accelerator runs as a job.",
           f"{OF_CALLS}: list of calls: transfers accelerator", needs={Need.TRANSFERS}),
    r.page(
        "transfers-asynchronous", "The transfers accelerator runs in asynchronous mode only.",
        f"{OF_CALLS}: choice of mode, sentence 2", needs={Need.TRANSFERS},
        reading="What a body says of its mode, true, false or nonsense, is ignored: the call "
        "answers at once, with ID and Path of the job.",
    ),
    _seen(
        "shown",
        "Content of a transfer shows Resources, Peer and Compression as its call gave them, how "
        "many instances and megabytes there are, and how many requests are done. Progress is the "
        "rounded per cent of one more than these, of two more than there are of them.",
        note="TotalInstances, TotalSizeMB, UploadedSizeMB or DownloadedSizeMB, "
        "CompletedHttpQueries, NetworkSpeedKBs. The first request is not counted.",
    ),
    _seen("once", "A transfer sends each instance once, however often its call names it."),
    _seen(
        "compressed",
        "With Compression gzip, what a transfer sends and what it asks for is compressed by gzip, "
        "and arrives as it was.",
    ),
    _seen(
        "sender",
        "Each request of a push, and the lookup of a pull, has the SenderTransferID of its call as "
        "header sender-transfer-id.",
        note="Of a call without one, the header is the same for all of them, and another for each "
        "job. The page of the plugin says it of every request; no chunk was seen to have it.",
    ),
    _seen(
        "originator",
        "A pull whose call names an Originator fails where the peer says that it is another one.",
    ),
    _seen(
        "gives-up",
        "A push of which a bucket is refused deletes its transaction at the peer; one of which the "
        "opening or the commit is refused does not.",
    ),
    _seen(
        "pull-mode",
        "POST /transfers/send for a peer with RemoteSelf makes no job here: the peer is asked to "
        "pull from RemoteSelf, and the answer names the job there, as Peer, RemoteJob and URL.",
        note="A peer that refuses, or whose answer names no job, makes it 500.",
    ),
    _told(
        "peers", "GET /transfers/peers tells for each peer whether it has the plugin.",
        f"{PLUGIN_NEWS}, 1.4: PeerConnectivityTimeout", Need.MANAGED,
        reading="In a word, by its name: installed; bidirectional if it has RemoteSelf as well; "
        "disabled if it has no plugin, or cannot be reached.",
        note="All peers of the server are asked, so the kit calls it on a server of its own only. "
        "Where one cannot be reached, every measured plugin tells the same of those that it has "
        "not asked yet (relaxation transfer-peer-not-asked).",
    ),
    _told(
        "peer-timeout",
        "A peer that does not say within PeerConnectivityTimeout seconds whether it has the plugin "
        "counts as one that has not.",
        f"{OPTIONS}: PeerConnectivityTimeout", Need.MANAGED,
    ),
    _told(
        "commit-timeout",
        "A push whose commit is not answered within PeerCommitTimeout seconds fails.",
        f"{OPTIONS}: PeerCommitTimeout", Need.MANAGED,
        note="It came with version 1.6 of the plugin; before, HttpTimeout holds for the commit.",
    ),
    _told(
        "retries", "A bucket that fails is sent again, MaxHttpRetries times at most.",
        f"{OPTIONS}: MaxHttpRetries", Need.MANAGED,
        note="After 1 s; the job stays Running meanwhile.",
    ),
    _told(
        "receptions", "MaxPushTransactions pushes at most are received at the same time.",
        f"{OPTIONS}: MaxPushTransactions", Need.MANAGED,
        reading="One more takes the place of the one that was used least recently, whose next "
        "request is answered 404.",
    ),
    _told(
        "validated",
        "An instance that does not arrive with the MD5 that was told of it is not stored, and who "
        "sends it, or asks for it, hears that the transfer has failed.",
        f"{DESCRIPTION}: paragraph 2, sentences 1 and 2", Need.EXCLUSIVE,
        note="Another push than those of the server's users may take the place of one of theirs "
        "(MaxPushTransactions).",
    ),
    _told(
        "atomic", "Of a transfer of which an instance is not stored, none is.",
        f"{DESCRIPTION}: paragraph 2, sentence 3", Need.EXCLUSIVE,
        note="Every measured plugin stores one instance after the other (relaxation "
        "transfer-stored-partly).",
    ),
)
