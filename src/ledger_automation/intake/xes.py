"""Read an XES event log (IEEE 1849-2016) as a stream of traces, plain or gzip, whatever its size.

Memory is bounded: a trace is handed out and forgotten before the next one is read. Files come from strangers, so a
document type declaration is refused before anything of it is expanded (no entity bomb, no foreign file), a trace of
more than `MAX_EVENTS_OF_TRACE` events is refused, and whatever else is wrong is one `UnreadableFile` with one sentence.
Attributes are kept as the text they are; nested attributes, lists and the log's own header are not read.

With the default namespace (http://www.xes-standard.org/) and without, with a byte order mark and without:

    for trace in traces(Path("road_traffic_fines_10k.xes.gz")):
        trace.attributes["concept:name"], trace.events[0].attributes["time:timestamp"]
"""

import gzip
import zlib
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import IO, Any, Final, cast

from lxml import etree

from ledger_automation.errors import UnreadableFile
from ledger_automation.intake.trace import LoggedEvent, Trace

MAX_EVENTS_OF_TRACE: Final = 200_000
"""Far beyond every real case (the longest of the public logs has 185 events)."""

_OPENING: Final = 64 * 1024
_GZIP: Final = b"\x1f\x8b"


def traces(path: Path) -> Iterator[Trace]:
    """Yield the traces of a log in the order of the file; raises UnreadableFile."""
    try:
        with _opened(path) as stream:
            yield from _parsed(path, stream)
    except etree.XMLSyntaxError as error:
        raise UnreadableFile(path, f"its XML is broken or cut off ({error.msg})") from error
    except EOFError as error:
        raise UnreadableFile(path, "its gzip data end in the middle") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise UnreadableFile(path, f"its gzip data are damaged ({error})") from error
    except OSError as error:
        raise UnreadableFile(path, error.strerror or str(error)) from error


def _opened(path: Path) -> IO[bytes]:
    """Open by content, not by name; a name that claims gzip must hold it."""
    with path.open("rb") as plain:
        packed = plain.read(2) == _GZIP
    if path.suffix == ".gz" and not packed:
        raise UnreadableFile(path, "it is named .gz but holds no gzip data")
    stream = cast("IO[bytes]", gzip.open(path)) if packed else path.open("rb")  # noqa: SIM115 (the caller closes it)
    try:
        _check_opening(path, stream)
    except BaseException:
        stream.close()
        raise
    return stream


def _check_opening(path: Path, stream: IO[bytes]) -> None:
    """Refuse what is no XES, or could expand, before the real parser sees it."""
    parser = etree.XMLPullParser(events=("start",), resolve_entities=False, no_network=True)
    opening = stream.read(_OPENING)
    if b"<!ENTITY" in opening:
        raise UnreadableFile(path, "it declares entities, which a log has no need of")
    parser.feed(opening)
    root = _root(parser)
    if root is None:
        raise UnreadableFile(path, f"it shows no <log> in its first {_OPENING} bytes")
    if root.getroottree().docinfo.internalDTD is not None:
        raise UnreadableFile(path, "it declares a document type, which a log has no need of")
    if etree.QName(root).localname != "log":
        raise UnreadableFile(path, f"it is XML but no XES log: its root is <{etree.QName(root).localname}>")
    stream.seek(0)


def _root(parser: Any) -> Any:
    """Return the first element; the stubs of lxml do not know what a pull parser yields."""
    return next((element for _, element in parser.read_events()), None)


def _parsed(path: Path, stream: IO[bytes]) -> Iterator[Trace]:
    numbers = count(1)
    events: list[LoggedEvent] = []
    parsed = etree.iterparse(
        stream,
        tag=("{*}event", "{*}trace"),
        remove_comments=True,
        remove_pis=True,
        remove_blank_text=True,
        resolve_entities=False,
        no_network=True,
    )
    for _, element in parsed:
        if element.tag.endswith("event"):
            events.append(LoggedEvent(next(numbers), _attributes(element)))
            element.clear()
            if len(events) > MAX_EVENTS_OF_TRACE:
                raise UnreadableFile(path, f"one of its traces has more than {MAX_EVENTS_OF_TRACE} events")
            continue
        yield Trace(_attributes(element), events)
        events = []
        _forget(element)


def _attributes(element: etree._Element) -> dict[str, str]:
    """Return the attributes that have a key and a value; an event has no key."""
    return {key: value for child in element if (key := child.get("key")) and (value := child.get("value")) is not None}


def _forget(element: etree._Element) -> None:
    """Free the trace and everything before it; without this the tree grows to the size of the file."""
    element.clear()
    parent = element.getparent()
    if parent is not None:
        while element.getprevious() is not None:
            del parent[0]
