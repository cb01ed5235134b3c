"""The first process of an audit, which begins it, prints the other one's number, and then does nothing at all.

python -m support.left_alone URL ORIGIN
"""

import sys
import time

from ledger_automation.store import readers as starting
from ledger_automation.store.engine import open_engine
from ledger_automation.store.readers import SqlReaders
from ledger_automation.store.unit_of_work import SqlUnitOfWork

if __name__ == "__main__":
    _, url, origin = sys.argv
    starting.PROGRAM = "support.never_done"  # type: ignore[misc]
    with SqlUnitOfWork.open(open_engine(url), "read") as unit:
        readers = SqlReaders(unit._connection, least=0, width=7, cores=2)
        with readers.begin(origin) as reading:
            assert reading is not None
            assert reading._process is not None
            sys.stdout.write(f"{reading._process.pid}\n")
            sys.stdout.flush()
            time.sleep(60)
