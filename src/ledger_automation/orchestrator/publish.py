"""Publishing the log as files that any static file server can show (C2SP tlog-tiles, docs/spec/tiles.md).

    checkpoint  tile/<L>/<N>[.p/<W>]  tile/entries/<N>[.p/<W>]

Tiles and entries first, the checkpoint last; each file is written elsewhere, made durable, and renamed to its place. So
whoever reads finds all that the checkpoint needs, and if we die anywhere the same command goes on: what lies there is
compared and kept. A full tile is written once; the partial tiles before it go when it has come, which a reader of the
old checkpoint makes up for by reading the full one.

Everything that is published has led to the signed root before: a database that was tampered with publishes nothing. A
folder whose checkpoint this log does not extend is left as it is.
"""

import os
from pathlib import Path
from typing import Final, NamedTuple

from ledger_automation.errors import (
    Contradiction,
    LogTooShort,
    Misconfigured,
    NoteError,
    NotFound,
    ProofError,
)
from ledger_automation.merkle.tree import TILE_WIDTH
from ledger_automation.orchestrator.anchor import newest_checkpoint
from ledger_automation.orchestrator.cosignatures import cosigned
from ledger_automation.orchestrator.durable import alone, sync
from ledger_automation.orchestrator.ports import Begin, LogStore
from ledger_automation.tlog import tiles
from ledger_automation.tlog.checkpoint import Checkpoint, open_checkpoint
from ledger_automation.tlog.tiles import Bundle, Fetch, Tile, bundles_of, tiles_of
from ledger_automation.verify.policy import VerificationPolicy
from ledger_automation.verify.published import PublishedLog

_DRAFT: Final = ".ledger-draft"
_OPEN: Final = 0o644


class Published(NamedTuple):
    """What a folder shows now, from how many leaves on it was new, and how many files were written."""

    tree_size: int
    root_hash: bytes
    previous_size: int
    files: int


def publish(read: Begin, folder: Path, policy: VerificationPolicy) -> Published:
    """Bring a folder to the newest checkpoint.

    Raises NotFound where the log has none, Misconfigured for a folder of another log or one that cannot be written,
    Contradiction for one that this log does not extend, and Conflict where somebody publishes there right now.
    """
    try:
        return _publish(read, folder, policy)
    except OSError as error:
        sentence = f"{folder} cannot be published to: {error.strerror}."
        raise Misconfigured(sentence, folder=str(folder)) from error


def _publish(read: Begin, folder: Path, policy: VerificationPolicy) -> Published:
    with alone(folder, f"publishes to {folder}"), read() as unit:
        shelf = _Shelf(folder)
        newest = newest_checkpoint(unit)
        if newest is None:
            raise NotFound("The log has no checkpoint yet; seal first.")
        checkpoint = open_checkpoint(newest.note, policy.origin, policy.keys())
        log = PublishedLog(newest.note, checkpoint, _stored(unit.log))
        before = _shown(folder, policy)
        if before is not None and before != checkpoint:
            _insist_on_extension(log, before, folder)
        since = before.tree_size if before else 0
        for tile in tiles_of(checkpoint.tree_size, since):
            shelf.put(tile, tiles.encode_tile(log.tree.tile(tile.level, tile.number)))
        for bundle in bundles_of(checkpoint.tree_size, since):
            shelf.put(bundle, tiles.encode_bundle(log.tree.entries(bundle.number)))
        shelf.show(cosigned(newest.note, unit.cosignatures.of(newest.tree_size)))
    return Published(checkpoint.tree_size, checkpoint.root_hash, since, shelf.written)


def _stored(log: LogStore) -> Fetch:
    """Return a reader of tiles that are put together from the database."""

    def fetch(path: str) -> bytes:
        place = tiles.parse_path(path)
        if isinstance(place, Bundle):
            return tiles.encode_bundle(log.entries(place.number * TILE_WIDTH, place.width))
        return tiles.encode_tile(log.tile(*place))

    return fetch


def _shown(folder: Path, policy: VerificationPolicy) -> Checkpoint | None:
    """Return the checkpoint that a folder shows; raises Misconfigured where it is none of this log."""
    path = folder / tiles.CHECKPOINT
    if not path.exists():
        return None
    try:
        return open_checkpoint(path.read_text("utf-8"), policy.origin, policy.keys())
    except (NoteError, UnicodeDecodeError) as error:
        reason = error.sentence if isinstance(error, NoteError) else "It is not text."
        sentence = f"{folder} shows the checkpoint of another log, or none at all; name another folder. {reason}"
        raise Misconfigured(sentence, folder=str(folder)) from error


def _insist_on_extension(log: PublishedLog, before: Checkpoint, folder: Path) -> None:
    try:
        log.require_extends(before.tree_size, before.root_hash, f"What {folder} shows")
    except LogTooShort as error:
        sentence = f"{folder} shows {before.tree_size} leaves and this log has {error.actual}; it was set back."
        raise Contradiction(sentence, expected=error.expected, actual=error.actual) from error
    except ProofError as error:
        sentence = f"{folder} shows another log of {before.tree_size} leaves than this one began with."
        raise Contradiction(sentence, expected=error.expected, actual=error.actual) from error


class _Shelf:
    """A folder that files are put into, each at once and for good."""

    def __init__(self, folder: Path) -> None:
        self.written = 0
        self._folder = folder
        self._changed: set[Path] = set()

    def put(self, place: Tile | Bundle, octets: bytes) -> None:
        """Write a tile or a bundle that is not there yet; raises Contradiction where another one is."""
        path = self._folder / place.path
        if path.exists():
            if path.read_bytes() != octets:
                sentence = f"{path} is there already and is not of this log; it was left as it is."
                raise Contradiction(sentence, expected=octets, actual=path.read_bytes(), path=place.path)
        else:
            self._write(path, octets)
        self._changed.update(each for each in path.parents if each.is_relative_to(self._folder))
        if place.width == TILE_WIDTH:
            self._forget_partial(path.with_name(f"{path.name}.p"))

    def show(self, note: str) -> None:
        """Put the checkpoint in its place, after everything that it needs is durable."""
        for folder in sorted(self._changed, reverse=True):
            sync(folder)
        path, octets = self._folder / tiles.CHECKPOINT, note.encode()
        if not path.exists() or path.read_bytes() != octets:
            self._write(path, octets)
            sync(self._folder)

    def _write(self, path: Path, octets: bytes) -> None:
        draft = self._folder / _DRAFT
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _OPEN), "wb") as file:
            file.write(octets)
            file.flush()
            os.fsync(file.fileno())
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.rename(path)
        self.written += 1

    def _forget_partial(self, folder: Path) -> None:
        """Remove partial tiles whose full one is there; first that one is made durable."""
        if folder.is_dir():
            sync(folder.parent)
            for each in folder.iterdir():
                each.unlink()
            folder.rmdir()
