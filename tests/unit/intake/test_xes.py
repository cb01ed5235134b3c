"""Files come from strangers: what is no log is refused with one sentence, what is a log is streamed."""

import gzip
import resource
from collections.abc import Callable
from pathlib import Path

import pytest

from ledger_automation.errors import UnreadableFile
from ledger_automation.intake import xes as reader

Write = Callable[..., Path]
Xes = Callable[..., str]
TWO = [("Create Fine", "2020-01-01T00:00:00+01:00"), ("Payment", "2020-01-02T00:00:00+01:00")]
NAMESPACE = ' xmlns="http://www.xes-standard.org/"'
BOMB = """<?xml version="1.0"?><!DOCTYPE log [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]><log><trace><string key="concept:name" value="&c;"/></trace></log>"""
FOREIGN = (
    """<?xml version="1.0"?><!DOCTYPE log [<!ENTITY x SYSTEM "file:///etc/passwd">]><log><trace>&x;</trace></log>"""
)


def read(path: Path) -> list[tuple[int, str]]:
    return [(event.number, event.attributes["concept:name"]) for trace in reader.traces(path) for event in trace.events]


@pytest.mark.parametrize("namespace", ["", NAMESPACE])
@pytest.mark.parametrize("name", ["log.xes", "log.xes.gz"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_namespace_compression_and_byte_order_mark_make_no_difference(
    write: Write, xes: Xes, namespace: str, name: str, mark: bytes
) -> None:
    path = write(name, mark + xes(TWO, TWO[:1], namespace=namespace).encode())
    assert read(path) == [(1, "Create Fine"), (2, "Payment"), (3, "Create Fine")]
    assert [trace.attributes["concept:name"] for trace in reader.traces(path)] == ["c1", "c2"]


def test_gzip_is_recognised_by_content_also_without_its_name(tmp_path: Path, xes: Xes) -> None:
    path = tmp_path / "log.xes"
    path.write_bytes(gzip.compress(xes(TWO).encode()))
    assert len(read(path)) == 2


def test_a_log_without_cases_is_empty(write: Write, xes: Xes) -> None:
    assert read(write("log.xes", xes())) == []


def test_nested_attributes_and_comments_do_not_confuse(write: Write) -> None:
    text = (
        '<log><trace><string key="concept:name" value="c"><string key="inner" value="i"/></string><event><!-- x -->'
        '<string key="concept:name" value="A"/><list key="l"><string key="concept:name" value="B"/></list></event>'
        "</trace></log>"
    )
    (trace,) = reader.traces(write("log.xes", text))
    assert trace.attributes == {"concept:name": "c"}
    assert trace.events[0].attributes == {"concept:name": "A"}


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("bomb.xes", BOMB, "declares entities"),
        ("bomb.xes.gz", BOMB, "declares entities"),
        ("bomb16.xes", BOMB.replace('"1.0"', '"1.0" encoding="UTF-16"').encode("utf-16"), "document type"),
        ("foreign.xes", FOREIGN, "declares entities"),
        ("doctype.xes", "<!DOCTYPE log SYSTEM 'http://example.org/x.dtd'><log/>", "document type"),
        ("page.xes", "<html><body/></html>", "its root is <html>"),
        ("table.xes", "case,activity\n1,a\n", "XML is broken"),
        ("empty.xes", "", "no <log>"),
        ("comment.xes", "<!--" + "x" * 70_000 + "--><log/>", "no <log> in its first"),
        ("random.xes", bytes(range(256)) * 4, "broken"),
    ],
)
def test_what_is_no_log_is_refused_in_one_sentence(write: Write, name: str, content: str | bytes, reason: str) -> None:
    with pytest.raises(UnreadableFile) as refusal:
        read(write(name, content))
    assert reason in refusal.value.sentence
    assert refusal.value.sentence.count("\n") == 0


@pytest.mark.parametrize("left", [0.3, 0.6, 0.95])
def test_a_log_that_breaks_off_is_refused(write: Write, xes: Xes, left: float) -> None:
    text = xes(*[TWO] * 50)
    with pytest.raises(UnreadableFile, match="cut off"):
        read(write("log.xes", text[: int(len(text) * left)]))


def test_a_gzip_that_breaks_off_is_refused(tmp_path: Path, xes: Xes) -> None:
    packed = gzip.compress(xes(*[TWO] * 500).encode())
    path = tmp_path / "log.xes.gz"
    path.write_bytes(packed[:-20])
    with pytest.raises(UnreadableFile, match=r"end in the middle|cut off"):
        read(path)


def test_damaged_gzip_data_are_refused(tmp_path: Path, xes: Xes) -> None:
    packed = bytearray(gzip.compress(xes(*[TWO] * 500).encode()))
    packed[len(packed) // 2] ^= 0xFF
    path = tmp_path / "log.xes.gz"
    path.write_bytes(bytes(packed))
    with pytest.raises(UnreadableFile):
        read(path)


def test_a_name_that_claims_gzip_must_hold_it(tmp_path: Path, xes: Xes) -> None:
    path = tmp_path / "log.xes.gz"
    path.write_text(xes(TWO))
    with pytest.raises(UnreadableFile, match="no gzip data"):
        read(path)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere.xes", tmp_path):
        with pytest.raises(UnreadableFile):
            read(path)


def test_an_endless_trace_is_refused(write: Write, xes: Xes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "MAX_EVENTS_OF_TRACE", 100)
    with pytest.raises(UnreadableFile, match="more than 100 events"):
        read(write("log.xes", xes(TWO * 51)))


def test_memory_stays_bounded_over_a_large_log(tmp_path: Path) -> None:
    path = tmp_path / "large.xes"
    body = (
        '<trace><string key="concept:name" value="c"/>'
        + ('<event><string key="concept:name" value="A"/><string key="n" value="' + "x" * 200 + '"/></event>') * 20
        + "</trace>"
    )
    with path.open("w") as file:
        file.write("<log>")
        for _ in range(6_000):
            file.write(body)
        file.write("</log>")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert sum(len(trace.events) for trace in reader.traces(path)) == 120_000
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000  # KiB; the file has 33 MB
