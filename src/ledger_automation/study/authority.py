"""A time-stamping authority of one's own on loopback (RFC 3161): OpenSSL behind one route, with certificates made anew.

It shows what a timestamp costs and adds, and is worth nothing as evidence: whoever runs it has its key.
"""

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, NamedTuple

from ledger_automation.errors import Misconfigured

_CONFIG = """
[tsa]
default_tsa = one
[one]
serial = {folder}/serial
crypto_device = builtin
signer_cert = {folder}/tsa.pem
signer_key = {folder}/tsa.key
signer_digest = {by}
default_policy = 1.2.3.4.1
digests = sha256, sha512
accuracy = secs:1
ordering = no
tsa_name = no
ess_cert_id_chain = no
ess_cert_id_alg = {by}
"""
_STAMPING = "extendedKeyUsage=critical,timeStamping"


class Authority(NamedTuple):
    """Where it answers, and the certificate that its tokens lead to."""

    url: str
    certificate: Path


def openssl(*words: object) -> bytes:
    """Run OpenSSL; returns what it writes, raises Misconfigured."""
    try:
        done = subprocess.run(["openssl", *map(str, words)], capture_output=True, check=False)  # noqa: S603, S607
    except OSError as error:
        raise Misconfigured(f"OpenSSL cannot be run: {error.strerror}.") from error
    if done.returncode:
        raise Misconfigured(f"OpenSSL refuses: {done.stderr.decode(errors='replace').strip()[-200:]}.")
    return done.stdout


def founded(folder: Path, name: str, days: int, by: str) -> Path:
    """Make an authority's keys and certificates, good for so many days and signed by a hash; return its own root."""
    folder.mkdir()
    (folder / "serial").write_text("01\n")
    (folder / "tsa.cnf").write_text(_CONFIG.format(folder=folder, by=by))
    root, key = ("-keyout", folder / "ca.key", "-out", folder / "ca.pem"), ("-newkey", "rsa:2048", "-nodes")
    openssl("req", "-x509", f"-{by}", *key, *root, "-days", days + 10, "-subj", f"/CN={name} root")
    openssl("req", *key, "-keyout", folder / "tsa.key", "-out", folder / "tsa.csr", "-subj", f"/CN={name}")
    (folder / "usage").write_text(f"{_STAMPING}\nkeyUsage=critical,digitalSignature\n")
    signed = ("-CA", folder / "ca.pem", "-CAkey", folder / "ca.key", "-CAcreateserial", "-extfile", folder / "usage")
    openssl("x509", "-req", f"-{by}", "-in", folder / "tsa.csr", *signed, "-days", days, "-out", folder / "tsa.pem")
    return folder / "ca.pem"


@contextmanager
def serving(folder: Path, name: str = "tsa.example", days: int = 20, by: str = "sha512") -> Iterator[Authority]:
    """Run an authority for as long as the block lasts; ``folder`` must not be there yet."""
    certificate = founded(folder, name, days, by)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            """Answer one query."""
            (folder / "query").write_bytes(self.rfile.read(int(self.headers["Content-Length"])))
            openssl(
                "ts", "-reply", "-config", folder / "tsa.cnf", "-queryfile", folder / "query", "-out", folder / "reply"
            )
            reply = (folder / "reply").read_bytes()
            self.send_response(200)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.send_header("Content-Length", str(len(reply)))
            self.end_headers()
            self.wfile.write(reply)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield Authority(f"http://127.0.0.1:{server.server_address[1]}/", certificate)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
