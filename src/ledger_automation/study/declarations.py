"""Files that a town declares something in: shipped with this package, or its own; read strictly, and then checked.

`facts` and `prices` are one each. What was read already, out of a report, is checked in the same way.
"""

import tomllib
from collections.abc import Callable, Mapping
from importlib import resources
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec

from ledger_automation.errors import InvalidDefinition, NotFound

Declared = TypeVar("Declared")


class Declarations(Generic[Declared]):
    """One kind of file: ``words`` names it in sentences, ``flaws`` tells what contradicts itself in one."""

    def __init__(self, kind: type[Declared], words: str, flaws: Callable[[Declared], list[str]]) -> None:
        self._kind = kind
        self._words = words
        self._flaws = flaws

    def shipped(self) -> Declared:
        """Return what ships with this package."""
        name = f"{self._words}.toml"
        return self.parse(resources.files("ledger_automation.study").joinpath(name).read_text("utf-8"), name)

    def load(self, path: Path) -> Declared:
        """Read a file; raises InvalidDefinition or NotFound."""
        try:
            return self.parse(path.read_text("utf-8"), str(path))
        except OSError as error:
            raise NotFound(f"There is no file of {self._words} {path}.", path=str(path)) from error
        except UnicodeDecodeError as error:
            raise InvalidDefinition(f"The {self._words} {path} are not UTF-8.", path=str(path)) from error

    def parse(self, text: str, path: str) -> Declared:
        """Read and check a file's text; raises InvalidDefinition."""
        try:
            values = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise InvalidDefinition(f"The {self._words} {path} cannot be read: {error}.", path=path) from error
        return self.convert(values, path)

    def convert(self, values: Mapping[str, Any], path: str) -> Declared:
        """Check what was read already, from TOML or out of a report; raises InvalidDefinition."""
        try:
            declared = msgspec.convert(values, self._kind)
        except msgspec.ValidationError as error:
            raise InvalidDefinition(f"The {self._words} {path} cannot be read: {error}.", path=path) from error
        if flaws := self._flaws(declared):
            sentence = f"The {self._words} {path} are not sound: {'; '.join(flaws)}."
            raise InvalidDefinition(sentence, path=path, flaws=flaws)
        return declared
