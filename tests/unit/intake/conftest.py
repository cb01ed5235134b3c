"""Where the real logs lie, and small logs written on the spot."""

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
EVENT = '<event><string key="concept:name" value="{}"/><date key="time:timestamp" value="{}"/></event>'


@pytest.fixture(scope="session")
def logs(shared: Path) -> Path:
    """Return the folder of public logs; ``shared`` skips with its reason where it is absent."""
    return shared / "data"


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write a file, packed where its name ends in .gz."""

    def written(name: str, content: str | bytes) -> Path:
        octets = content if isinstance(content, bytes) else content.encode()
        path = tmp_path / name
        path.write_bytes(gzip.compress(octets) if name.endswith(".gz") else octets)
        return path

    return written


@pytest.fixture
def xes() -> Callable[..., str]:
    """Return the text of a log: one list of (activity, moment) a case."""

    def text(*cases: list[tuple[str, str]], namespace: str = "") -> str:
        traces = "".join(
            f'<trace><string key="concept:name" value="c{number}"/>'
            + "".join(EVENT.format(*event) for event in case)
            + "</trace>"
            for number, case in enumerate(cases, 1)
        )
        return f'{HEAD}<log xes.version="1.0"{namespace}><string key="a" value="b"/>{traces}</log>'

    return text
