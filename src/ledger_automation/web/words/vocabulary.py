"""The words of one law."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple


class Vocabulary(NamedTuple):
    """German words by the law's names. ``steps`` has two each: what happened, and the label of the button.

    A field or rule is named alone, or as ``action.name`` where it means something else in that action.
    """

    fields: Mapping[str, str]
    rules: Mapping[str, str]
    steps: Mapping[str, tuple[str, str]] = MappingProxyType({})
    states: Mapping[str, str] = MappingProxyType({})
    terms: Mapping[str, str] = MappingProxyType({})
