"""A log's steps under timestamps that are renewed: years pass, an algorithm fails, and old receipts stay evidence.

The authority is OpenSSL's. What we write is read a second time by the RFC's own text, on another library for ASN.1.
"""

import json
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, nullcontext
from datetime import UTC, datetime, timedelta
from hashlib import new, sha256
from pathlib import Path
from random import Random
from typing import Any, ClassVar

import msgspec
import pytest
from asn1crypto import algos, cms, core, tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from ledger_automation.errors import Contradiction, InvalidValue
from ledger_automation.orchestrator import preserve
from ledger_automation.orchestrator.durable import alone
from ledger_automation.orchestrator.preserve import Group, groups
from ledger_automation.study.authority import Authority, serving
from ledger_automation.tlog.receipt import decode
from ledger_automation.verify.evidence_record import Stamp, examine, in_time
from ledger_automation.verify.preserved import content
from ledger_automation.verify.timestamp import authorities

BROKEN = ("--failed", "sha256=2020-01-01")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Authority]:
    with serving(tmp_path_factory.mktemp("authority") / "one") as opened:
        yield opened


@pytest.fixture(scope="module")
def lived(towns: Callable[[], Any]) -> Any:
    """A log of three cases, one of them of two steps, with a receipt that was given out long ago."""
    town = towns()
    paid = ("record_payment", "--actor", "cash-office", "--role", "finance", "--payload", '{"amount": 1000}')
    town.case = town.open()
    town.ok("case", "do", town.case, *paid)
    town.open()
    town.open()
    town.ok("seal", "--level", "logged")
    town.ok("receipt", town.case, "--out", town.home.parent / "old.json")
    return town


@pytest.fixture
def town(lived: Any, towns: Callable[[], Any]) -> Any:
    """A copy of it, to be preserved."""
    made = towns()
    shutil.copytree(lived.home.parent, made.home.parent, dirs_exist_ok=True)
    made.case, made.old = lived.case, made.home.parent / "old.json"
    return made


def preserving(town: Any, authority: Authority, *words: object) -> Any:
    return town.ok("preserve", authority.url, "--authority", authority.certificate, *words)


def given(town: Any, receipt: Path) -> Path:
    """Fetch the evidence records of a receipt."""
    folder: Path = town.home.parent / f"evidence of {receipt.stem}"
    town.ok("evidence", receipt, "--out", folder)
    return folder


def verified(town: Any, authority: Authority, receipt: Path, folder: Path | None, *words: object) -> Any:
    shown = ("--preserved", folder, "--authority", authority.certificate) if folder else ()
    return town("verify", receipt, "--level", "logged", *shown, *words, "--json")


class PartialHashtree(core.SequenceOf):
    _child_spec = core.OctetString


class ReducedHashtree(core.SequenceOf):
    _child_spec = PartialHashtree


class ArchiveTimeStamp(core.Sequence):
    """RFC 4998, appendix A, whose module has implicit tags."""

    _fields: ClassVar = [
        ("digestAlgorithm", algos.DigestAlgorithm, {"implicit": 0, "optional": True}),
        ("attributes", core.SetOf, {"implicit": 1, "optional": True}),
        ("reducedHashtree", ReducedHashtree, {"implicit": 2, "optional": True}),
        ("timeStamp", cms.ContentInfo),
    ]


class ArchiveTimeStampChain(core.SequenceOf):
    _child_spec = ArchiveTimeStamp


class ArchiveTimeStampSequence(core.SequenceOf):
    _child_spec = ArchiveTimeStampChain


class DigestAlgorithms(core.SequenceOf):
    _child_spec = algos.DigestAlgorithm


class EvidenceRecord(core.Sequence):
    _fields: ClassVar = [
        ("version", core.Integer),
        ("digestAlgorithms", DigestAlgorithms),
        ("archiveTimeStampSequence", ArchiveTimeStampSequence),
    ]


def independently(record: bytes, octets: bytes) -> list[str]:
    """Hash what a record says as RFC 4998 sections 4.3, 5.2 and 5.3 do; return the algorithms of its chains.

    Whether tokens are signed is not looked at: OpenSSL and `rfc3161-client` are asked that elsewhere.
    """
    read = EvidenceRecord.load(record, strict=True)
    assert read["version"].native == 1
    used: list[str] = []
    older = b""
    for chain in read["archiveTimeStampSequence"]:
        name = chain[0]["digestAlgorithm"]["algorithm"].native
        hashed = new(name, octets).digest()
        if older:
            hashed = new(name, hashed + new(name, core.Sequence(contents=older).dump()).digest()).digest()
        for stamp in chain:
            for place, part in enumerate(stamp["reducedHashtree"].native or ()):
                assert place or hashed in part
                hashed = new(name, b"".join(sorted([*part, hashed] if place else part))).digest()
            told = stamp["timeStamp"]["content"]["encap_content_info"]["content"].parsed
            assert isinstance(told, tsp.TSTInfo)
            assert told["message_imprint"]["hashed_message"].native == hashed, (used, name)
            assert told["message_imprint"]["hash_algorithm"]["algorithm"].native == name
            hashed = new(name, stamp["timeStamp"].dump()).digest()
        older += chain.dump()
        used.append(name)
    return used


def test_sha_256_fails_and_a_receipt_of_before_stays_evidence(town: Any, authority: Authority) -> None:
    """The drill: preserved by SHA-256, its token renewed, all of it taken over into SHA-512; then SHA-256 is broken."""
    assert preserving(town, authority, "--hash", "sha256")["added"] == {
        "start": 0, "end": 4, "chains": [{"hash": "sha256", "tokens": 1}],
    }  # fmt: skip
    before = given(town, town.old)
    (again,) = preserving(town, authority, "--hash", "sha256", "--stamp")["renewed"]
    assert again["chains"] == [{"hash": "sha256", "tokens": 2}]
    (renewed,) = preserving(town, authority)["renewed"]
    assert renewed["chains"] == [{"hash": "sha256", "tokens": 2}, {"hash": "sha512", "tokens": 1}]
    after = town.home.parent / "after"
    town.ok("evidence", town.old, "--out", after)
    told = verified(town, authority, town.old, after)
    assert (told.code, told.data["verdict"], told.data["steps"][-1]["step"]) == (0, "final", "13 preserved")
    assert told.data["steps"][-1]["detail"].startswith("2 steps were there by 20")
    assert "(sha512, tsa.example)" in told.data["steps"][-1]["detail"]
    assert verified(town, authority, town.old, before).code == 0
    # Years later SHA-256 fails: whoever was renewed before goes on, whoever was not or has nothing does not.
    roots = authorities(authority.certificate.read_bytes())
    now = datetime.now(UTC)
    failed = {"sha256": now + timedelta(days=1)}
    for entry in decode(town.old.read_bytes()).entries:  # type: ignore[union-attr]
        for folder, holds in ((before, False), (after, True)):
            stamps = examine((folder / f"leaf-{entry.leaf_index}.er").read_bytes(), content(entry), roots)
            with nullcontext() if holds else pytest.raises(Contradiction, match="rests on sha256"):
                in_time(stamps, failed, now + timedelta(days=2))
    for each in (before, after, None):
        refused = verified(town, authority, town.old, each, *BROKEN)
        assert (refused.code, refused.data["reason"]) == (30, "step_13_preserved"), "it had failed before all that"
    assert verified(town, authority, town.old, None, "--failed", "sha256=2999-01-01").code == 0, "it has not failed yet"
    for folder, algorithms in ((before, ["sha256"]), (after, ["sha256", "sha512"])):
        for entry in decode(town.old.read_bytes()).entries:  # type: ignore[union-attr]
            octets = (folder / f"leaf-{entry.leaf_index}.bin").read_bytes()
            assert octets == content(entry)
            assert independently((folder / f"leaf-{entry.leaf_index}.er").read_bytes(), octets) == algorithms


def test_a_token_rests_on_whatever_its_signature_and_certificate_do(town: Any, tmp_path: Path) -> None:
    with serving(tmp_path / "weak", "weak.example", by="sha256") as weak:
        preserving(town, weak)
        roots = authorities(weak.certificate.read_bytes())
        (entry, *_) = decode(town.old.read_bytes()).entries  # type: ignore[union-attr]
        records = preserve.evidence(town.home, {entry.leaf_index: content(entry)})
    stamps = examine(records[entry.leaf_index], content(entry), roots)
    assert [(each.algorithm, each.hashes) for each in stamps] == [("sha512", {"sha256", "sha512"})]
    now = datetime.now(UTC)
    with pytest.raises(Contradiction, match="A timestamp rests on sha256"):
        in_time(stamps, {"sha256": now + timedelta(days=1)}, now + timedelta(days=2))


def test_certificates_that_somebody_added_to_a_token_name_nobody(town: Any, authority: Authority) -> None:
    """They are signed by nobody but themselves, and bear the signer's name and number."""
    preserving(town, authority)
    (entry, *_) = decode(town.old.read_bytes()).entries  # type: ignore[union-attr]
    record = EvidenceRecord.load(preserve.evidence(town.home, {entry.leaf_index: content(entry)})[entry.leaf_index])
    token = record["archiveTimeStampSequence"][0][0]["timeStamp"]
    (own,) = (each.chosen for each in token["content"]["certificates"])
    mine = ec.generate_private_key(ec.SECP256R1())
    name = x509.load_der_x509_certificate(own.dump()).issuer
    decoy = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(mine.public_key())
    decoy = decoy.serial_number(own.serial_number).not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
    der = decoy.not_valid_after(datetime(2999, 1, 1, tzinfo=UTC)).sign(mine, hashes.SHA256()).public_bytes(Encoding.DER)
    token["content"]["certificates"].append(cms.CertificateChoices("certificate", asn1_x509.Certificate.load(der)))
    roots = authorities(authority.certificate.read_bytes())
    with pytest.raises(Contradiction, match=r"several certificates|does not hold"):
        examine(record.dump(force=True), content(entry), roots)


def test_what_came_into_the_log_since_is_a_group_of_its_own(town: Any, authority: Authority) -> None:
    preserving(town, authority)
    assert preserving(town, authority) == {"added": None, "renewed": []}
    later = town.open()
    town.ok("seal", "--level", "logged")
    receipt = town.home.parent / "later.json"
    town.ok("receipt", later, "--out", receipt)
    assert town("evidence", receipt, "--out", town.home.parent / "none").code == 5, "it is in no group yet"
    assert preserving(town, authority)["added"]["start"] == 4
    assert [(each.start, each.end) for each in groups(town.home)] == [(0, 4), (4, 5)]
    for each in (receipt, town.old):
        assert verified(town, authority, each, given(town, each)).code == 0
    assert verified(town, authority, receipt, given(town, town.old)).data["reason"] == "step_13_preserved"


def test_a_back_up_holds_it(town: Any, towns: Callable[[], Any], authority: Authority) -> None:
    preserving(town, authority)
    folder, restored = town.home.parent / "back-up", towns()
    town.ok("backup", folder)
    restored.ok("restore", folder)
    shutil.copy(town.old, restored.home.parent / "old.json")
    kept, there = given(town, town.old), given(restored, restored.home.parent / "old.json")
    assert {each.name: each.read_bytes() for each in kept.iterdir()} == {
        each.name: each.read_bytes() for each in there.iterdir()
    }


def test_what_was_erased_is_renewed_no_more_and_nothing_else_notices(town: Any, authority: Authority) -> None:
    preserving(town, authority, "--hash", "sha256")
    old = town.open()
    town.ok("seal", "--level", "logged")
    other = town.home.parent / "other.json"
    town.ok("receipt", old, "--out", other)
    town.ok("erase", town.case, "--actor", "anna", "--legal-basis", "Art. 17 GDPR")
    held = (town.home / "preservation" / "000000000000.msgpack").read_bytes()
    for entry in decode(town.old.read_bytes()).entries:  # type: ignore[union-attr]
        assert content(entry) not in held
        assert entry.salt not in held.hex()
    preserving(town, authority)
    first, second = groups(town.home)
    assert [sum(map(any, each.cut(each.objects))) for each in first.chains] == [4, 2], "two of four steps are gone"
    assert second.start == 4
    assert verified(town, authority, other, given(town, other)).code == 0
    folder = given(town, town.old)
    kept = [
        independently((folder / f"leaf-{entry.leaf_index}.er").read_bytes(), content(entry))
        for entry in decode(town.old.read_bytes()).entries  # type: ignore[union-attr]
    ]
    assert kept == [["sha256"]] * 2, "who has the old receipt has what it was preserved by, and no more"


def test_a_dossier_brings_it_along(town: Any, authority: Authority) -> None:
    town.ok("dossier", town.case, "--out", town.home.parent / "before")
    assert not [*(town.home.parent / "before").rglob("*.er")]
    preserving(town, authority)
    folder = town.home.parent / "dossier"
    town.ok("dossier", town.case, "--out", folder)
    steps = sorted((folder / "steps").iterdir())
    assert len(steps) == 2
    for step in steps:
        octets = (step / "salt").read_bytes() + (step / "event.json").read_bytes()
        assert independently((step / "evidence.er").read_bytes(), octets) == ["sha512"]
    assert subprocess.run(["sh", folder / "check.sh"], check=False, capture_output=True).returncode == 0


def test_the_doctor_says_when_to_renew(town: Any, authority: Authority, tmp_path: Path) -> None:
    def said() -> list[str]:
        findings = town("doctor", "--json").data["findings"]
        return [f"{each['health']}: {each['what']}" for each in findings if each["part"] == "preservation"]

    assert said() == [], "nothing is preserved, and nobody said it should be"
    preserving(town, authority)
    (soon,) = said()
    assert soon.startswith("warning: The certificate behind the last timestamp of leaves 0 to 3 runs out on 20")
    with serving(tmp_path / "lasting", "lasting.example", days=400) as lasting:
        preserving(town, lasting, "--stamp")
    (fine,) = said()
    assert fine.startswith("ok: What is preserved needs no renewal before 20")
    (town.home / "preservation" / "000000000000.msgpack").write_bytes(b"")
    (torn,) = said()
    assert torn.startswith("wrong: ")


def test_renewing_goes_one_way_and_by_one_at_a_time(town: Any, authority: Authority) -> None:
    preserving(town, authority)
    words = ("preserve", authority.url, "--authority", authority.certificate)
    preserving(town, authority, "--stamp")
    preserving(town, authority, "--hash", "sha256")
    (group,) = groups(town.home)
    assert [(each.algorithm, len(each.tokens)) for each in group.chains] == [("sha512", 2), ("sha256", 1)]
    back = town(*words)
    assert (back.code, "that is no renewal" in back.err.replace("\n", " ")) == (2, True)
    with alone(town.home / preserve.FOLDER, "does this"):
        busy = town(*words)
    assert "right now" in busy.err
    with closing(sqlite3.connect(town.home / "ledger.sqlite")) as database, database:
        for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            database.execute(f'DROP TRIGGER "{name}"')
        database.execute("DELETE FROM content WHERE event_id = 1")
        database.execute("DELETE FROM event WHERE id = 1")
    gone = town(*words, "--hash", "sha256")
    assert (gone.code, "without an event" in gone.err) == (30, True)


def test_what_changed_since_is_not_stamped_again(town: Any, authority: Authority) -> None:
    preserving(town, authority, "--hash", "sha256")
    path = town.home / "preservation" / "000000000000.msgpack"
    whole = path.read_bytes()
    group = msgspec.msgpack.decode(whole, type=Group)
    objects = bytearray(group.chains[0].objects)
    objects[0] ^= 1
    forged = msgspec.structs.replace(group.chains[0], objects=bytes(objects))
    path.write_bytes(msgspec.msgpack.encode(Group(0, (forged,))))
    refused = town("preserve", authority.url, "--authority", authority.certificate, "--json")
    assert (refused.code, "not what was preserved" in refused.data["sentence"]) == (30, True)
    path.write_bytes(whole[:-9])
    assert "no group of preserved steps" in town("preserve", authority.url, "--authority", authority.certificate).err


def test_nothing_is_kept_of_an_authority_that_does_not_answer_or_is_another(
    town: Any, authority: Authority, tmp_path: Path
) -> None:
    with serving(tmp_path / "stranger", "stranger.example") as stranger:
        asked = town("preserve", stranger.url, "--authority", authority.certificate)
    assert asked.code == 30
    assert town("preserve", stranger.url, "--authority", stranger.certificate).code == 20
    assert not groups(town.home)


def test_every_flipped_bit_of_a_record_is_refused(town: Any, authority: Authority) -> None:
    preserving(town, authority, "--hash", "sha256")
    preserving(town, authority)
    roots = authorities(authority.certificate.read_bytes())
    (entry, *_) = decode(town.old.read_bytes()).entries  # type: ignore[union-attr]
    record = preserve.evidence(town.home, {entry.leaf_index: content(entry)})[entry.leaf_index]
    honest = examine(record, content(entry), roots)
    assert [each.algorithm for each in honest] == ["sha256", "sha512"]
    random, accepted = Random(4998), []
    for _ in range(300):
        octets = bytearray(record)
        at, bit = random.randrange(len(octets)), random.randrange(8)
        octets[at] ^= 1 << bit
        try:
            told = examine(bytes(octets), content(entry), roots)
        except (Contradiction, InvalidValue):
            continue
        accepted.append((at, bit, told == honest))
    # Names of algorithms at the head tell a reader what to expect, and are covered by nothing (RFC 4998 section 3.1).
    assert all(same for _, _, same in accepted), accepted
    assert len(accepted) < 30, accepted
    for octets in (b"", b"{}", record[:-1], record + b"\x00", sha256(record).digest()):
        with pytest.raises(InvalidValue):
            examine(octets, content(entry), roots)
    with pytest.raises(Contradiction, match="something else"):
        examine(record, content(entry) + b" ", roots)


def test_a_timestamp_is_renewed_while_its_certificate_is_good() -> None:
    day = [datetime(2026 + 5 * number, 1, 1, tzinfo=UTC) for number in range(5)]
    first, second = frozenset({"sha256"}), frozenset({"sha512"})
    stamps = [Stamp(day[0], "one", day[1], first, "sha256"), Stamp(day[1], "two", day[3], second, "sha512")]
    in_time(stamps, {}, day[3])
    in_time(stamps, {"sha256": day[2]}, day[2])
    for failed, now, said in (
        ({}, day[4], "two ran out"),
        ({"sha256": day[1]}, day[2], "A timestamp rests on sha256"),
        ({"sha256": day[0]}, day[2], "What is preserved rests on sha256"),
        ({"sha512": day[2]}, day[2], "A timestamp rests on sha512"),
    ):
        with pytest.raises(Contradiction, match=said):
            in_time(stamps, failed, now)
    with pytest.raises(Contradiction, match="one ran out"):
        in_time([stamps[0], stamps[1]._replace(at=day[2])], {}, day[3])


def test_wrong_words_are_one_sentence(town: Any, authority: Authority) -> None:
    for given_, said in (
        (("--preserved", town.home), "name --authority"),
        (("--failed", "sha256"), "a name and a day"),
        (("--failed", "md5=2020-01-01"), "one of sha256, sha512"),
    ):
        answer = town("verify", town.old, "--level", "logged", *given_)
        assert answer.code == 2
        assert said in answer.err.replace("\n", " ")
    assert json.loads(town.old.read_text())["format"].endswith("receipt/v1")
    assert town("preserve", "ftp://x", "--authority", authority.certificate).code == 2
