"""A back-up as a folder, and the way back (spec/faults.md, P22 and P30; ADR 15).

    manifest.json     what the back-up holds: written last, so that one that was cut short is told by its absence
    ledger.sqlite     the whole database in one snapshot, whichever database it came from
    policy.json       what the home had pinned
    keys/log.pub      the log's public keys; with private keys, when asked for, everything of keys/
    deployments/      the contracts
    preservation/     the tokens over what opens the steps

The files are copied after the database: a key that is announced meanwhile is then one too many, never one too few. What
preserves leaves is copied before it, since it must not be of leaves that are not there.
Restoring verifies every digest before it touches anything, goes into an empty place only, and comes to be in one
rename (beside an uncommitted transaction, where the database is a server's). A home that holds nothing but this very
back-up's files is empty: that is what a restore leaves that died between the two.

What this does not do: believe the back-up (whoever can alter a file can alter the manifest; the log's signatures and
the chain decide, in an audit), or bring a log forward that is behind its chain: that is said (`standing`), and stays.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, Literal, NamedTuple, Protocol

import msgspec

from ledger_automation.errors import Contradiction, InvalidValue, Misconfigured, UnreadableFile
from ledger_automation.orchestrator.anchor import newest_checkpoint
from ledger_automation.orchestrator.durable import sync
from ledger_automation.orchestrator.ports import UnitOfWork
from ledger_automation.verify.sources import AnchoredCheckpoint
from ledger_automation.verify.verdict import Verdict

MANIFEST: Final = "manifest.json"
DATABASE: Final = "ledger.sqlite"
PUBLIC: Final = ("policy.json", "keys/log.pub", "deployments/*.json")
PRESERVED: Final = ("preservation/*.msgpack",)
_FOLDERS: Final = ("keys", "deployments", "preservation")
PRIVATE: Final = "keys/**/*"
_VERSION: Final = 1
_SECRET, _OPEN, _FOLDER = 0o600, 0o644, 0o700


class Copied(NamedTuple):
    """What a copy of a database holds: its schema, rows by table, and the newest checkpoint's size and root (hex)."""

    schema: str
    rows: dict[str, int]
    tree_size: int
    root_hash: str


class DatabasePlace(Protocol):
    """Where a ledger's database is or is to be."""

    def copy_to(self, path: Path) -> Copied:
        """Copy everything, as of one moment, into an SQLite file; others write on. Changes nothing of the database."""
        ...

    def inside(self, home: Path) -> Path | None:
        """Return the database's place in a home, None where it lies elsewhere."""
        ...

    def require_vacant(self) -> None:
        """Raise Misconfigured where there is anything already."""
        ...

    def placing(self, copy: Path) -> AbstractContextManager[None]:
        """Fill the place from a prepared copy; MUST come to be when the block ends well, all of it or nothing."""
        ...


class Prepare(Protocol):
    """Makes a copy ready for this program."""

    def __call__(self, copy: Path, claimed: Copied, origin: str) -> int:
        """Hold it against what is claimed, bring it to this program's schema, and erase again what its log says was.

        Returns of how many events something was erased.
        """
        ...


class Site(NamedTuple):
    """A log by its name, with its home and its database."""

    origin: str
    home: Path
    place: DatabasePlace


class FileFacts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a file must be: SHA-256 (hex) and bytes."""

    sha256: str
    size: int


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a back-up holds; ``root_hash`` is hex, and empty for a log without a checkpoint."""

    format: Literal["ledger-backup"]
    version: int
    origin: str
    taken_at: str
    schema: str
    tree_size: int
    root_hash: str
    private_keys: bool
    rows: dict[str, int]
    files: dict[str, FileFacts]

    def claimed(self) -> Copied:
        """Return what the database in it must be."""
        return Copied(self.schema, self.rows, self.tree_size, self.root_hash)


class Restored(NamedTuple):
    """What was restored, and how many events' content was erased again."""

    manifest: Manifest
    erased: int


def back_up(site: Site, folder: Path, now: str, *, private: bool) -> Manifest:
    """Write a back-up into an empty folder; raises InvalidValue for another, and what reading the database raises."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InvalidValue("The folder of a back-up", str(folder), "empty, or not there yet")
    with _draft(folder) as draft:
        _copy_all(site.home, draft, PRESERVED)
        copied = site.place.copy_to(draft / DATABASE)
        _copy_all(site.home, draft, (*PUBLIC, PRIVATE) if private else PUBLIC)
        folder.mkdir(mode=_FOLDER, parents=True, exist_ok=True)
        folder.chmod(_FOLDER)
        names = [path.relative_to(draft).as_posix() for path in _files(draft, ("**/*",))]
        files = {name: _facts(draft / name) for name in names}
        for each in draft.iterdir():
            each.rename(folder / each.name)
    manifest = Manifest(
        format="ledger-backup", version=_VERSION, origin=site.origin, taken_at=now, schema=copied.schema,
        tree_size=copied.tree_size, root_hash=copied.root_hash, private_keys=private, rows=copied.rows, files=files,
    )  # fmt: skip
    sync(folder)
    _write(folder / MANIFEST, msgspec.json.format(msgspec.json.encode(manifest), indent=2))
    sync(folder)
    return manifest


def restore(site: Site, folder: Path, prepare: Prepare) -> Restored:
    """Restore a back-up into an empty home and an empty database.

    Raises UnreadableFile or Contradiction for a back-up that is not whole, Misconfigured for another log's, another
    program's, and for a place that has something in it. Nothing is changed then.
    """
    manifest = read_manifest(folder)
    if manifest.origin != site.origin:
        sentence = f"The back-up is of the log {manifest.origin}, and this one is {site.origin}."
        raise Misconfigured(sentence, expected=site.origin, actual=manifest.origin)
    for name, facts in manifest.files.items():
        _check(folder / name, name, facts)
    site.place.require_vacant()
    _require_empty(site.home, manifest)
    with _draft(site.home) as draft:
        for name in manifest.files:
            _copy(folder, draft, name)
        copy = draft.with_name(f"{draft.name}.database")
        (draft / DATABASE).rename(copy)
        try:
            erased = prepare(copy, manifest.claimed(), site.origin)
            _place(site, copy, draft)
        finally:
            copy.unlink(missing_ok=True)
    return Restored(manifest, erased)


def _place(site: Site, copy: Path, draft: Path) -> None:
    """Let home and database come to be; a database of the home comes with it, in the same rename."""
    inside = site.place.inside(site.home)
    if inside is not None:
        (draft / inside).parent.mkdir(parents=True, exist_ok=True)
        copy.rename(draft / inside)
        _appear(draft, site.home)
        return
    try:
        with site.place.placing(copy):
            _appear(draft, site.home)
    except BaseException:
        if not draft.exists():
            site.home.rename(draft)  # the database did not come to be, so neither does the home
        raise


def standing(unit: UnitOfWork, latest: AnchoredCheckpoint | None) -> tuple[Verdict, str]:
    """Say how a restored log stands against what its chain holds of it."""
    newest = newest_checkpoint(unit)
    here = newest.tree_size if newest else 0
    if latest is None:
        return Verdict.PENDING, f"Nothing of this log is on the chain yet; it has {here} leaves."
    if latest.tree_size > here:
        return Verdict.CONTRADICTED, (
            f"The back-up is older than the last anchor: the chain holds {latest.tree_size} leaves, this log"
            f" has {here}. It stays as it was restored, and nothing is anchored over it: find a newer one, or decide."
        )
    same = next(unit.log.checkpoints(latest.tree_size - 1), None)
    if same is None or (same.tree_size, same.root_hash) != (latest.tree_size, latest.root_hash):
        return (
            Verdict.CONTRADICTED,
            f"The chain holds another log than this one: their roots over {latest.tree_size} leaves differ.",
        )
    if latest.tree_size == here:
        return Verdict.FINAL, f"Chain and log agree: both have {here} leaves."
    return Verdict.PENDING, f"The chain holds {latest.tree_size} leaves of this log's {here}; sealing anchors the rest."


def read_manifest(folder: Path) -> Manifest:
    """Read what a back-up says it holds; raises UnreadableFile and Misconfigured."""
    path = folder / MANIFEST
    if not path.exists():
        raise UnreadableFile(folder, "it is no back-up, or one that was cut short: it has no manifest")
    try:
        manifest = msgspec.json.decode(path.read_bytes(), type=Manifest)
    except msgspec.MsgspecError as error:
        raise UnreadableFile(path, f"it is no manifest ({error})") from error
    if manifest.version != _VERSION:
        sentence = f"The back-up has format version {manifest.version}, which this program does not know."
        raise Misconfigured(sentence, expected=_VERSION, actual=manifest.version)
    if strange := [name for name in (*manifest.files, DATABASE) if not _is_ours(name) or name not in manifest.files]:
        raise UnreadableFile(path, f"{strange[0]!r} is no file of a back-up, or is missing")
    return manifest


def _is_ours(name: str) -> bool:
    parts = name.split("/")
    return ".." not in parts and "" not in parts and (parts[0] in _FOLDERS or name in (DATABASE, *PUBLIC))


def _check(path: Path, name: str, facts: FileFacts) -> None:
    if path.is_symlink() or not path.is_file():
        raise UnreadableFile(path, "the back-up's manifest names it, and it is not there")
    if (found := _facts(path)) != facts:
        sentence = f"{name} of the back-up is not what its manifest says; it was altered or cut short."
        raise Contradiction(sentence, expected=facts.sha256, actual=found.sha256, file=name)


def _require_empty(home: Path, manifest: Manifest) -> None:
    for path in _files(home, ("**/*",)):
        name = path.relative_to(home).as_posix()
        facts = manifest.files.get(name)
        if name == DATABASE or facts is None or _facts(path) != facts:
            sentence = f"{home} has something in it already ({name}); a back-up goes into an empty home."
            raise Misconfigured(sentence, home=str(home), file=name)


def _files(root: Path, patterns: tuple[str, ...]) -> list[Path]:
    return sorted({path for pattern in patterns for path in root.glob(pattern) if path.is_file()})


def _facts(path: Path) -> FileFacts:
    digest, size = sha256(), 0
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
            size += len(block)
    return FileFacts(digest.hexdigest(), size)


def _copy(source: Path, target: Path, name: str) -> None:
    """Copy a file; the database, and of keys all but the public ones, are their owner's alone."""
    path = target / name
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _SECRET)
    with (source / name).open("rb") as there, os.fdopen(descriptor, "wb") as here:
        shutil.copyfileobj(there, here, 1 << 20)
        here.flush()
        os.fsync(here.fileno())
    public = name.startswith("deployments/") or name in PUBLIC
    path.chmod(_OPEN if public else _SECRET)


def _copy_all(home: Path, draft: Path, patterns: tuple[str, ...]) -> None:
    for path in _files(home, patterns):
        _copy(home, draft, path.relative_to(home).as_posix())


def _write(path: Path, content: bytes) -> None:
    draft = path.with_name(f".{path.name}")
    draft.write_bytes(content)
    sync(draft)
    draft.rename(path)


@contextmanager
def _draft(target: Path) -> Iterator[Path]:
    """Make a folder beside a place, to be renamed to it; whatever is left of it goes when the block ends."""
    parent = target.absolute().parent
    parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=parent, prefix=f".{target.name}-", ignore_cleanup_errors=True) as folder:
        draft = Path(folder) / "draft"
        draft.mkdir(mode=_FOLDER)
        yield draft


def _appear(draft: Path, home: Path) -> None:
    """Rename a draft to a home that is not there, or empty but for the very same files."""
    for path in _files(home, ("**/*",)):
        path.unlink()
    for path in sorted((each for each in home.glob("**/*") if each.is_dir()), reverse=True):
        path.rmdir()
    draft.rename(home)
    sync(home.absolute().parent)
