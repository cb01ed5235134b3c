"""The second process of an audit, ``python -m ledger_automation.store.second_reader``; `readers` starts it.

    in                              out
    a job (JSON)                    begun             the database is open
    the name of a snapshot          begun             it is being read; again for as long as it was not a common one
    go                              an answer (JSON)  the shares that it took, or the error that it met

It ends with its input: whoever started it is gone then. It reads and writes nothing else, and ignores an interrupt,
which is meant for both and reaches it as the end of its input.
"""

import gc
import os
import signal
import sys
import threading
from typing import IO

import msgspec
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from ledger_automation.errors import Conflict, LedgerError, Misconfigured, Unreachable
from ledger_automation.store import trails
from ledger_automation.store.dialect import DIALECTS, dialect, refused
from ledger_automation.store.engine import location
from ledger_automation.store.readers import BEGUN, GO, Answer, Job, tickets
from ledger_automation.verify.selftest import selftest
from ledger_automation.verify.shares import look

_TOLD = (Conflict, Misconfigured, Unreachable)
"""What reading a database raises; each is made from its sentence alone."""


def main(told: IO[bytes], telling: IO[bytes]) -> None:
    """Read shares of one snapshot."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    line = told.readline()
    if not line:
        return
    job = msgspec.json.decode(line, type=Job)
    selftest()
    where = location(job.url)
    ways = DIALECTS[where.get_backend_name()]
    engine = ways.open(where, True)
    try:
        with engine.connect().execution_options(**ways.options["read"]) as connection:
            answer = _read(connection, job, told, telling)
    except DBAPIError as error:
        answer = _failed(refused(ways, error))
    except _TOLD as error:
        answer = _failed(error)
    if answer is not None:
        telling.write(msgspec.json.encode(answer))
        telling.flush()


def _read(connection: Connection, job: Job, told: IO[bytes], telling: IO[bytes]) -> Answer | None:
    """Begin as often as that is asked for, then take shares; None where nobody is there any more."""
    while True:
        telling.write(BEGUN)
        telling.flush()
        line = told.readline()
        if not line:
            return None
        if line == GO:
            break
        dialect(connection).take(connection, line.decode().rstrip("\n"))
    threading.Thread(target=_end_with, args=(told,), daemon=True).start()
    gc.freeze()
    numbers = tickets(job.tickets)
    return Answer([look(each, trails.share(connection, job.spans[each]), job.origin) for each in numbers])


def _end_with(told: IO[bytes]) -> None:
    os.read(told.fileno(), 1)  # not through the buffer, whose lock would be held when the interpreter ends
    os._exit(1)


def _failed(error: LedgerError) -> Answer:
    return Answer([], (type(error).__name__, error.sentence))


if __name__ == "__main__":
    main(sys.stdin.buffer, sys.stdout.buffer)
