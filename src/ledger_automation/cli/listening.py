"""Taking a port before anything else is opened, so that one that is taken is said in a sentence."""

import socket

from ledger_automation.errors import Misconfigured


def listen(host: str, port: int) -> socket.socket:
    """Listen; raises Misconfigured where that cannot be."""
    try:
        return socket.create_server((host, port), backlog=2048)
    except (OSError, OverflowError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise Misconfigured(
            f"Nothing can listen on {host}, port {port}: {why.rstrip('.')} (--host, --port)."
        ) from error
