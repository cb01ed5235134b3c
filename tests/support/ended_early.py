"""A second process of an audit that takes a share out and ends without telling of it, as ENDED_EARLY says."""

import os
import signal
import sys

import msgspec

from ledger_automation.store.readers import BEGUN, GO, Answer, Job

if __name__ == "__main__":
    job = msgspec.json.decode(sys.stdin.buffer.readline(), type=Job)
    while True:
        sys.stdout.buffer.write(BEGUN)
        sys.stdout.buffer.flush()
        if sys.stdin.buffer.readline() == GO:
            break
    os.read(job.tickets, 1)
    if os.environ["ENDED_EARLY"] == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    said = {"silent": b"", "torn": b'{"shares":[[0,', "short": msgspec.json.encode(Answer([]))}
    sys.stdout.buffer.write(said[os.environ["ENDED_EARLY"]])
