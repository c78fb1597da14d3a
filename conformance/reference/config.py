"""The configuration file: Orthanc's JSON, with its comments and its keys."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar

from conformance.reference.errors import RestError
from conformance.reference.lenient_json import parse
from conformance.reference.modalities import Modality, parse_modality
from conformance.reference.peers import Peer, parse_peer
from conformance.reference.transfers.options import WITHOUT_EFFECT, TransferOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

T = TypeVar("T")
_WITHOUT_EFFECT = frozenset(
    {
        "HttpServerEnabled",
        "Plugins",
        "RemoteAccessAllowed",
        "StableAge",
        "StorageCompression",
        "TemporaryDirectory",
    }
)
"""Keys that are taken, and that change nothing that a client of this server could see."""


def at_a_time(concurrent_jobs: int) -> int:
    """How many jobs run at a time, as ConcurrentJobs says: 0 is one for each processor."""
    return concurrent_jobs or os.cpu_count() or 1


class ConfigError(ValueError):
    """The configuration cannot be used; the message is one line and names the key."""


@dataclass(frozen=True)
class Config:
    """The settings that the reference server knows, under Orthanc's names and defaults.

    `concurrent_jobs`: how many run, by `at_a_time`;
    `dicom_port`: None = no DICOM server (also with DicomServerEnabled false), 0 = a free port;
    `dicom_scu_timeout`: seconds that a modality may take to answer, 0 = no limit;
    `synchronous_c_move`: a C-MOVE is answered when all was sent, and not by a job;
    `dicom_modalities` and `orthanc_peers`: those that there are from the start, by name;
    `media_archive_size`: how many archives that were made asynchronously are kept;
    `jobs_history_size`: completed jobs that are kept; `http_timeout`: seconds a step may take,
    0 = no limit; `limit_jobs`: jobs that may wait, 0 = no limit; `transfers`: of the accelerator.
    """

    http_port: int = 8042
    name: str = "MyOrthanc"
    dicom_aet: str = "ORTHANC"
    dicom_port: int | None = None
    dicom_scu_timeout: int = 10
    synchronous_c_move: bool = True
    concurrent_jobs: int = 2
    jobs_history_size: int = 10
    http_timeout: int = 60
    save_jobs: bool = True
    limit_jobs: int = 10
    storage_directory: Path = Path("OrthancStorage")
    index_directory: Path = Path("OrthancStorage")
    media_archive_size: int = 1
    overwrite_instances: bool = False
    dicom_modalities: Mapping[str, Modality] = field(default_factory=lambda: MappingProxyType({}))
    orthanc_peers: Mapping[str, Peer] = field(
        default_factory=lambda: MappingProxyType({}), repr=False
    )
    orthanc_peers_in_database: bool = False
    transfers: TransferOptions = field(default_factory=TransferOptions)
    unknown: tuple[str, ...] = field(default=(), compare=False)
    authentication_enabled: bool = False
    registered_users: Mapping[str, str] = field(
        default_factory=lambda: MappingProxyType({}),
        repr=False,  # it holds passwords
    )

    @property
    def remark(self) -> str:
        """What is to be told of the keys that it does not know; empty where there are none."""
        without = ", ".join(self.unknown)
        return f"without effect on the reference server: {without}" if without else ""


def load_config(path: Path) -> Config:
    """Read the configuration file at `path`.

    Raises `ConfigError` when it cannot be read, is not JSON, or has a value of the wrong type.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 text") from error
    try:
        return parse_config(text, path.parent)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error


def parse_config(text: str, folder: Path = Path()) -> Config:
    """Read a configuration from JSON `text`; keys that it does not know are named in `unknown`.

    Folders are relative to `folder`, where the file is, as for Orthanc.
    Raises `ConfigError`, whose message names the key at fault.
    """
    try:
        values = parse(text)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"not a JSON file: {error}") from error
    if not isinstance(values, dict):
        raise ConfigError("the file must hold a JSON object")
    return read_config(values, folder)


def read_config(values: Mapping[str, object], folder: Path = Path()) -> Config:
    """The configuration that has these `values`, by Orthanc's keys. See `parse_config`."""
    read = _Reader(values)
    default = Config()
    storage = read.text("StorageDirectory", str(default.storage_directory))
    config = Config(
        http_port=read.integer("HttpPort", default.http_port, most=65535),
        name=read.text("Name", default.name),
        dicom_aet=read.text("DicomAet", default.dicom_aet),
        dicom_port=read.port("DicomPort", default.dicom_port)
        if read.boolean("DicomServerEnabled", True)
        else None,
        dicom_scu_timeout=read.integer("DicomScuTimeout", default.dicom_scu_timeout),
        synchronous_c_move=read.boolean("SynchronousCMove", default.synchronous_c_move),
        concurrent_jobs=read.integer("ConcurrentJobs", default.concurrent_jobs, most=1024),
        jobs_history_size=read.integer("JobsHistorySize", default.jobs_history_size),
        http_timeout=read.integer("HttpTimeout", default.http_timeout),
        save_jobs=read.boolean("SaveJobs", default.save_jobs),
        limit_jobs=read.integer("LimitJobs", default.limit_jobs),
        storage_directory=folder / storage,
        index_directory=folder / read.text("IndexDirectory", storage),
        media_archive_size=read.integer("MediaArchiveSize", default.media_archive_size, least=1),
        overwrite_instances=read.boolean("OverwriteInstances", default.overwrite_instances),
        dicom_modalities=read.entries("DicomModalities", parse_modality),
        orthanc_peers=read.entries("OrthancPeers", parse_peer),
        orthanc_peers_in_database=read.boolean(
            "OrthancPeersInDatabase", default.orthanc_peers_in_database
        ),
        transfers=read.section("Transfers", _read_transfers),
        authentication_enabled=read.boolean(
            "AuthenticationEnabled", default.authentication_enabled
        ),
        registered_users=read.users("RegisteredUsers"),
    )
    if config.authentication_enabled and not config.registered_users:
        raise ConfigError("AuthenticationEnabled: needs at least one user in RegisteredUsers")
    return replace(config, unknown=read.unknown())


def _read_transfers(read: _Reader) -> TransferOptions:
    """The options of the transfers accelerator."""
    default = TransferOptions()
    read.take(*WITHOUT_EFFECT)
    return TransferOptions(
        threads=read.integer("Threads", default.threads, least=1, most=1024),
        bucket_size=read.integer("BucketSize", default.bucket_size, least=1),
        max_push_transactions=read.integer(
            "MaxPushTransactions", default.max_push_transactions, least=1
        ),
        max_http_retries=read.integer("MaxHttpRetries", default.max_http_retries),
        peer_connectivity_timeout=read.integer(
            "PeerConnectivityTimeout", default.peer_connectivity_timeout
        ),
        peer_commit_timeout=read.integer("PeerCommitTimeout", default.peer_commit_timeout),
    )


class _Reader:
    """Takes typed values out of the JSON object, or says which key is wrong and why."""

    def __init__(self, values: Mapping[str, object]) -> None:
        self._values = values
        self._known = set(_WITHOUT_EFFECT)
        self._inner: list[str] = []

    def _get(self, key: str, default: object) -> object:
        self._known.add(key)
        return self._values.get(key, default)

    def unknown(self) -> tuple[str, ...]:
        """The keys that nobody has read, and that would change what a real server does."""
        return tuple(sorted([*(self._values.keys() - self._known), *self._inner]))

    def take(self, *keys: str) -> None:
        """These keys may be there, and change nothing."""
        self._known.update(keys)

    def section(self, key: str, read: Callable[[_Reader], T]) -> T:
        """What `read` makes of the object below a key."""
        value = self._get(key, {})
        if not isinstance(value, dict):
            raise ConfigError(f"{key}: must be an object, {_found(value)}")
        inner = _Reader(value)
        try:
            made = read(inner)
        except ConfigError as error:
            raise ConfigError(f"{key}: {error}") from None
        self._inner.extend(f"{key}.{name}" for name in inner.unknown())
        return made

    def integer(self, key: str, default: int, *, least: int = 0, most: int = 2**31 - 1) -> int:
        """A whole number from `least` to `most`."""
        value = self._get(key, default)
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            wanted = f"must be a whole number from {least} to {most}"
            raise ConfigError(f"{key}: {wanted}, {_found(value)}")
        return value

    def port(self, key: str, default: int | None) -> int | None:
        """A port, if one is named."""
        self._known.add(key)
        return self.integer(key, 0, most=65535) if key in self._values else default

    def boolean(self, key: str, default: bool) -> bool:
        """True or false."""
        value = self._get(key, default)
        if not isinstance(value, bool):
            raise ConfigError(f"{key}: must be true or false, {_found(value)}")
        return value

    def text(self, key: str, default: str) -> str:
        """A string."""
        value = self._get(key, default)
        if not isinstance(value, str):
            raise ConfigError(f"{key}: must be a string, {_found(value)}")
        return value

    def entries(self, key: str, parse_entry: Callable[[object], T]) -> Mapping[str, T]:
        """Names with what each stands for."""
        value = self._get(key, {})
        if not isinstance(value, dict):
            raise ConfigError(f"{key}: must be an object, {_found(value)}")
        entries = {}
        for name, entry in value.items():
            try:
                entries[name] = parse_entry(entry)
            except RestError as error:
                raise ConfigError(f"{key}: {name}: {error}") from None
        return MappingProxyType(entries)

    def users(self, key: str) -> Mapping[str, str]:
        """Names with their passwords; no error message repeats one."""
        value = self._get(key, {})
        if not isinstance(value, dict):
            raise ConfigError(f"{key}: must be an object of names and passwords")
        for name, password in value.items():
            if not isinstance(password, str):
                raise ConfigError(f"{key}: the password of {name!r} must be a string")
        return MappingProxyType(dict(value))


def _found(value: object) -> str:
    """What stands there instead, cut to a length that fits one line."""
    text = json.dumps(value)
    return f"not {text if len(text) <= 40 else text[:37] + '...'}"
