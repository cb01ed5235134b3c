"""``ledger contracts build|check``: the compiled contracts in the repository, made and compared."""

from cyclopts import App

from ledger_automation.cli.options import NONE, Options
from ledger_automation.cli.output import emit
from ledger_automation.errors import Contradiction

app = App(name="contracts", help="Compile the contracts, or check the committed artifacts.")


@app.command
def build(*, options: Options = NONE) -> int:
    """Compile the contracts and write their artifacts."""
    from ledger_automation.chain import artifacts  # noqa: PLC0415  costs a second that other verbs save

    written = [str(path) for path in artifacts.build()]
    emit({"written": written}, [f"written: {path}" for path in written], json=options.json)
    return 0


@app.command
def check(*, options: Options = NONE) -> int:
    """Compile again and compare with the committed artifacts, byte for byte."""
    from ledger_automation.chain import artifacts  # noqa: PLC0415  the same

    differences = [str(each) for each in artifacts.check()]
    if differences:
        raise Contradiction("The committed artifacts are not what the sources compile to.", actual=differences)
    emit({"differences": []}, ["The committed artifacts are what the sources compile to."], json=options.json)
    return 0
