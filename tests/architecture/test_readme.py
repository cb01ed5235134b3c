"""The README says what the program says."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_its_help_blocks_are_those_of_the_program() -> None:
    done = subprocess.run([sys.executable, ROOT / "scripts" / "readme_help.py", "--check"], check=False)
    assert done.returncode == 0, "run scripts/readme_help.py"


def test_every_file_it_links_to_is_there() -> None:
    text = (ROOT / "README.md").read_text()
    links = [part.split(")")[0] for part in text.split("](")[1:]]
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []
