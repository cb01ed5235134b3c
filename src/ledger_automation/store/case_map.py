"""The case map's tiles as rows: each in the versions that a proof may still be asked of."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from sqlalchemy import Connection, bindparam, delete, func, select

from ledger_automation.orchestrator.submission import OPEN, State
from ledger_automation.store.bulk import insert_rows
from ledger_automation.store.tables import CosignatureRow, EventRow, LeafRow, MapTileRow, SubmissionRow, table
from ledger_automation.tlog.case_map import Head

_BATCH: Final = 2_048
_TILE, _EVENT, _LEAF, _SUBMISSION, _COSIGNATURE = (
    table(each) for each in (MapTileRow, EventRow, LeafRow, SubmissionRow, CosignatureRow)
)
_VERSION = _TILE.alias()
_AT = (
    select(func.max(_VERSION.c.tree_size))
    .where(_VERSION.c.path == _TILE.c.path, _VERSION.c.tree_size <= bindparam("size"))
    .scalar_subquery()
)
_THESE = _TILE.c.path.in_(bindparam("paths", expanding=True))
VERSIONS: Final = select(_TILE.c.tree_size, _TILE.c.path, _TILE.c.tile).order_by(_TILE.c.path, _TILE.c.tree_size)

_READ = select(_TILE.c.path, _TILE.c.tile).where(_THESE, _TILE.c.tree_size == _AT)
_PASS = delete(_TILE).where(_THESE, _TILE.c.tree_size < _AT)
_BEFORE = (
    select(_EVENT.c.case_id, func.max(_LEAF.c.leaf_index).label("last"))
    .join(_LEAF, _LEAF.c.event_id == _EVENT.c.id)
    .where(_EVENT.c.case_id.in_(bindparam("cases", expanding=True)), _LEAF.c.leaf_index < bindparam("size"))
    .group_by(_EVENT.c.case_id)
    .subquery()
)
_HEADS_BEFORE = select(_LEAF.c.case_id, _LEAF.c.sequence, _LEAF.c.leaf_hash).join(
    _BEFORE, _BEFORE.c.last == _LEAF.c.leaf_index
)
_NEWEST = (
    select(func.max(_LEAF.c.leaf_index).label("last"))
    .where(_LEAF.c.leaf_index < bindparam("size"))
    .group_by(_LEAF.c.case_id)
    .subquery()
)
_HEADS = select(_LEAF.c.case_id, _LEAF.c.sequence, _LEAF.c.leaf_hash).join(
    _NEWEST, _NEWEST.c.last == _LEAF.c.leaf_index
)
_SENT = (
    select(_SUBMISSION.c.state, func.max(_SUBMISSION.c.tree_size))
    .where(_SUBMISSION.c.tree_size.is_not(None))
    .group_by(_SUBMISSION.c.state)
)

_COSIGNED = select(func.max(_COSIGNATURE.c.tree_size))


class SqlCaseMap:
    """Satisfies `orchestrator.case_map.CaseMapStore`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def tiles(self, paths: Sequence[str], size: int) -> Mapping[str, bytes]:
        """Read tiles as they were at a size."""
        found: dict[str, bytes] = {}
        for some in _batches(paths):
            rows = self._connection.execute(_READ, {"paths": some, "size": size})
            found.update((path, tile) for path, tile in rows)
        return found

    def heads(self, size: int) -> dict[str, Head]:
        """Read the last leaf below a size of every case."""
        return {case_id: Head(*head) for case_id, *head in self._connection.execute(_HEADS, {"size": size})}

    def heads_before(self, case_ids: Sequence[str], size: int) -> dict[str, Head]:
        """Read the last leaf below a size of some cases."""
        found: dict[str, Head] = {}
        for some in _batches(case_ids):
            rows = self._connection.execute(_HEADS_BEFORE, {"cases": some, "size": size})
            found.update((case_id, Head(*head)) for case_id, *head in rows)
        return found

    def write(self, tiles: Mapping[str, bytes], size: int) -> None:
        """Insert tiles; versions of theirs go that no proof can be asked of any more."""
        insert_rows(self._connection, _TILE, [(path, size, tile) for path, tile in tiles.items()])
        kept = self._kept(size)
        for some in _batches(list(tiles)):
            self._connection.execute(_PASS, {"paths": some, "size": kept})

    def clear(self) -> None:
        """Delete all tiles."""
        self._connection.execute(delete(_TILE))

    def _kept(self, size: int) -> int:
        """Return the smallest size that proofs are made at: where the chain ends, or where it may end next.

        Without a chain, where the witnesses' cosignatures end.
        """
        sizes = {state: size for state, size in self._connection.execute(_SENT)}  # noqa: C416  a row is no pair
        if (final := sizes.get(State.FINAL)) is not None:
            return int(final)
        return 0 if sizes.keys() & set(OPEN) else int(self._connection.execute(_COSIGNED).scalar_one() or size)


def _batches(paths: Sequence[str]) -> Iterable[Sequence[str]]:
    return (paths[at : at + _BATCH] for at in range(0, len(paths), _BATCH))
