"""``ledger witness``: cosign the checkpoints of logs, each only where it extends what was cosigned before."""

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from ledger_automation.cli.options import NONE, Options
from ledger_automation.cli.output import emit

_FAREWELL_SECONDS = 10
_CONNECTIONS = 256

app = App(name="witness", help="Cosign checkpoints of logs, as a witness after C2SP tlog-witness.")


@app.command
def key(
    name: Annotated[str, Parameter(help="The witness's name, such as witness.example/1; for good.")],
    *,
    options: Options = NONE,
) -> int:
    """Make a witness in a home of its own, or find it, and print its verifier key."""
    from ledger_automation.witness import home  # noqa: PLC0415  costs a second that most verbs save

    made = home.make(options.settings().home, name)
    emit({"name": made.name, "key": made.text}, [made.text], json=options.json)
    return 0


@app.command
def show(*, options: Options = NONE) -> int:
    """Show what was cosigned last of each log, and which logs showed two checkpoints of one size."""
    from ledger_automation.witness import home  # noqa: PLC0415  as above

    place = options.settings().home
    public, memory = home.public_key(place), home.memory(place)
    logs, splits = memory.logs(), memory.splits()
    data = {
        "key": public.text,
        "logs": {origin: each._asdict() for origin, each in logs.items()},
        "split_views": {origin: {"held": held, "shown": shown} for origin, (held, shown) in splits.items()},
    }
    lines = [public.text, *(f"{origin}: {each.tree_size} leaves" for origin, each in logs.items())]
    lines += [f"{origin} showed two checkpoints of one size; --json prints both." for origin in splits]
    emit(data, lines, json=options.json)
    return 0


@app.command
def serve(
    logs: Annotated[Path, Parameter(help="A file that lists the logs' verifier keys, one a line.")],
    *,
    host: Annotated[str, Parameter(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, Parameter(help="The port to listen on; 0: any that is free.")] = 8100,
    options: Options = NONE,
) -> int:
    """Cosign what is sent to /add-checkpoint, until it is interrupted."""
    import uvicorn  # noqa: PLC0415  as above

    from ledger_automation.cli.listening import listen  # noqa: PLC0415  as above
    from ledger_automation.journal import open_journal  # noqa: PLC0415  as above
    from ledger_automation.witness.application import Application  # noqa: PLC0415  as above
    from ledger_automation.witness.home import open_witness  # noqa: PLC0415  as above

    open_journal()
    app = Application(open_witness(options.settings().home, logs))
    with listen(host, port) as listening:
        sys.stderr.write(f"Witnessing at http://{host}:{listening.getsockname()[1]}.\n")
        config = uvicorn.Config(
            app, log_config=None, access_log=False, server_header=False, timeout_graceful_shutdown=_FAREWELL_SECONDS,
            proxy_headers=False, ws="none", lifespan="off", limit_concurrency=_CONNECTIONS,
        )  # fmt: skip
        uvicorn.Server(config).run(sockets=[listening])
    return 0
