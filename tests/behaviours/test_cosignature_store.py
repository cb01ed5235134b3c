"""Port CosignatureStore: what witnesses said, kept once and for good."""

from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from ledger_automation.orchestrator.cosignatures import cosigned
from ledger_automation.verify.sources import CosignatureRecord

AT = "2026-03-02T08:00:00.000000Z"


def said(size: int, witness: str, line: str = "") -> CosignatureRecord:
    return CosignatureRecord(size, witness, line or f"\u2014 {witness} {size}\n", AT)


def keep(store: Any, *those: CosignatureRecord) -> None:
    with store.begin() as unit:
        for each in those:
            unit.cosignatures.keep(each)
        unit.commit()


@pytest.fixture
def checkpoints(store: Any, signed: Any) -> None:
    with store.begin() as unit:
        for size in (3, 5, 8):
            unit.log.sign_off(signed(size))
        unit.commit()


@pytest.mark.usefixtures("checkpoints")
def test_cosignatures_are_read_by_size_and_witness(store: Any) -> None:
    keep(store, said(5, "two"), said(3, "one"), said(5, "one"), said(8, "one"))
    with store.read() as unit:
        kept = unit.cosignatures
        assert list(unit.log.cosignatures(0)) == [said(3, "one"), said(5, "one"), said(5, "two"), said(8, "one")]
        assert list(unit.log.cosignatures(5)) == kept.of(8) == [said(8, "one")]
        assert kept.of(5) == [said(5, "one"), said(5, "two")]
        assert (kept.last("one"), kept.last("two"), kept.last("three")) == (said(8, "one"), said(5, "two"), None)
        assert [kept.largest(number) for number in (1, 2, 3)] == [8, 5, None]
        assert cosigned("note\n", kept.of(5)) == "note\n\u2014 one 5\n\u2014 two 5\n"


@pytest.mark.usefixtures("checkpoints")
def test_the_first_of_a_witness_on_a_checkpoint_stays(store: Any) -> None:
    keep(store, said(5, "one"))
    keep(store, said(5, "one", "\u2014 one later\n"))
    with store.read() as unit:
        assert unit.cosignatures.of(5) == [said(5, "one")]


@pytest.mark.usefixtures("checkpoints")
def test_there_is_none_on_a_checkpoint_that_is_not_there(store: Any) -> None:
    with pytest.raises(IntegrityError):
        keep(store, said(4, "one"))
