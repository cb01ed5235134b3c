"""A case among 2^20 leaves and 2^17 cases: receipts as large as a town's log makes them, to measure with."""

import json
import uuid
from collections.abc import Sequence
from random import Random
from typing import Final

from ledger_automation.merkle import inclusion_proof, leaf_hash, node_hash
from ledger_automation.tlog.checkpoint import Checkpoint
from ledger_automation.tlog.receipt import encode_proof
from support import case_maps
from support.archive import KEY, ORIGIN, Filed

LEAVES: Final = 2**20
CASES: Final = 2**17


def receipts(case: Sequence[Filed], seed: int) -> dict[str, bytes]:
    """Return the receipt of the whole case, and of its last step alone."""
    random = Random(seed)
    levels = [[leaf_hash(random.randbytes(32)) for _ in range(LEAVES)]]
    indices = sorted(random.sample(range(LEAVES), len(case)))
    for at, each in zip(indices, case, strict=True):
        levels[0][at] = leaf_hash(each.commitment)
    while len(levels[-1]) > 1:
        below = iter(levels[-1])
        levels.append([node_hash(left, right) for left, right in zip(below, below, strict=True)])
    places = {str(uuid.UUID(bytes=random.randbytes(16), version=4)): (3, random.randbytes(32)) for _ in range(CASES)}
    places[case[-1].case_id] = (case[-1].sequence, levels[0][indices[-1]])
    note = Checkpoint(ORIGIN, LEAVES, levels[-1][0], case_maps.root(places)).sign(KEY)
    entries = [
        {
            "event": each.text,
            "salt": each.salt.hex(),
            "leaf_index": at,
            "inclusion_proof": encode_proof(inclusion_proof(lambda level, number: levels[level][number], at, LEAVES)),
        }
        for at, each in zip(indices, case, strict=True)
    ]
    whole = encode_proof(case_maps.siblings(places, case[-1].case_id))
    shared = {"format": "ledger-automation/receipt/v1", "checkpoint": note, "anchor": None, "extension": None}
    forms = {"a case": (entries, whole), "a step": (entries[-1:], None)}
    return {
        name: json.dumps({**shared, "entries": shown, "case_map_proof": proof}, ensure_ascii=False).encode()
        for name, (shown, proof) in forms.items()
    }
