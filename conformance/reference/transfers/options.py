"""The section ``Transfers`` of the configuration."""

from __future__ import annotations

from dataclasses import dataclass

WITHOUT_EFFECT = ("CacheSize", "CommitThreadsCount")
"""Options that are taken, and that change nothing that somebody could see from outside."""

RETRY_DELAY = 1.0
"""Seconds after which a request that has failed is sent again."""


@dataclass(frozen=True, slots=True)
class TransferOptions:
    """The options, with the defaults of the plugin, which are others than the Book's example has.

    `threads`: requests of a job that are under way at once; `bucket_size`: KB that a request has at
    least, and less than twice that; `max_push_transactions`: that are open at once for who pushes
    to this server; `max_http_retries`: how often a request that has failed is sent again;
    `peer_connectivity_timeout`, `peer_commit_timeout`: seconds, for the look at a peer and for the
    commit of a push, 0 = without limit.
    """

    threads: int = 4
    bucket_size: int = 4096
    max_push_transactions: int = 4
    max_http_retries: int = 0
    peer_connectivity_timeout: int = 2
    peer_commit_timeout: int = 600
