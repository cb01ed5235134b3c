"""The case map's root, which every checkpoint carries.

The map commits to the last event of every case. Until it is kept, checkpoints carry the root of the empty map: like the
root of an empty tree (RFC 9162 section 2.1.1) the hash of nothing, which no map with a case can have.
"""

from typing import Final

from ledger_automation.merkle.hashing import EMPTY_ROOT

EMPTY_MAP_ROOT: Final = EMPTY_ROOT
