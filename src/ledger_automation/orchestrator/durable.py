"""Files that are on the disk when a call returns: whole, or not there at all."""

import os
from pathlib import Path


def sync(path: Path) -> None:
    """Have a file, or the names in a folder, written out to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write(path: Path, octets: bytes) -> None:
    """Put a whole file in the place of another, durably; readers see the one or the other."""
    draft = path.with_name(f".{path.name}.draft")
    with draft.open("wb") as file:
        file.write(octets)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    sync(path.parent)
