"""The log for everybody: its newest checkpoint and its tiles, as C2SP tlog-tiles lays them out. No token is asked for.

    /log/checkpoint                       the newest signed note, with the lines of its witnesses
    /log/checkpoint?witnesses=2           the newest one that at least two witnesses cosigned
    /log/tile/{level}/{index}[.p/{width}] up to 256 hashes; an index in groups of three digits, such as x001/234
    /log/tile/entries/{index}[.p/{width}] the commitments under a tile of level 0

What stands here are commitments and hashes, which tell nothing about a case; so whoever holds a receipt can follow the
log without being known. A full tile never changes and may be kept for ever.
"""

from typing import Any, Final, TypeVar

from fastapi import Request, Response

from ledger_automation.api import schemas
from ledger_automation.api.desk import desk
from ledger_automation.api.reading import number
from ledger_automation.api.routes import Route
from ledger_automation.errors import InvalidValue, NotFound
from ledger_automation.merkle.tree import TILE_WIDTH
from ledger_automation.orchestrator.query import checkpoint_view
from ledger_automation.tlog import tiles
from ledger_automation.values import MAX_INTEGER

_FOR_EVER: Final = {"Cache-Control": "public, max-age=31536000, immutable"}
_FOR_NOW: Final = {"Cache-Control": "no-cache"}
_OCTETS: Final = "application/octet-stream"
_TEXT: Final = "text/plain; charset=utf-8"
_LEVEL: Final = {"type": "integer", "minimum": 0, "maximum": tiles.MOST_LEVELS - 1}
_COUNT: Final = {"type": "integer", "minimum": 0, "maximum": MAX_INTEGER}
_Place = TypeVar("_Place", tiles.Tile, tiles.Bundle)
_PATH: Final = {"type": "string", "pattern": f"^{tiles.INDEX.pattern}$"}


def routes() -> list[Route]:
    """Return the log's routes."""
    words = "The newest one that at least so many witnesses cosigned."
    asked = [schemas.parameter("witnesses", "query", _COUNT, words=words)]
    index = schemas.parameter("index", "path", _PATH)
    places = [schemas.parameter("level", "path", _LEVEL), index]
    newest, bundle, tile = "/log/checkpoint", "/log/tile/entries/{index:path}", "/log/tile/{level}/{index:path}"
    return [
        Route("GET", newest, "log.checkpoint", _checkpoint, _described("The newest checkpoint", asked, _TEXT)),
        Route("GET", bundle, "log.entries", _bundle, _described("A bundle of entries", [index], _OCTETS)),
        Route("GET", tile, "log.tile", _tile, _described("A tile", places, _OCTETS)),
    ]


def _described(summary: str, places: list[Any], kind: str) -> dict[str, Any]:
    good = schemas.answers(200, f"{summary}.", {"type": "string"}, kind)
    return {"summary": summary, "parameters": places, "responses": {**good, **schemas.problems(404, 422, 429, 503)}}


async def _checkpoint(request: Request) -> Response:
    witnesses = number(request, "witnesses", 0)
    note = await desk(request).read(lambda unit: checkpoint_view(unit, witnesses))
    return Response(note, 200, _FOR_NOW, _TEXT)


async def _tile(request: Request) -> Response:
    tile = _place(tiles.Tile, f"{request.path_params['level']}/{request.path_params['index']}")
    hashes = await desk(request).read(lambda unit: unit.log.tile(*tile))
    return _whole(hashes, tile.width, tiles.encode_tile(hashes))


async def _bundle(request: Request) -> Response:
    bundle = _place(tiles.Bundle, f"{tiles.ENTRIES}/{request.path_params['index']}")
    entries = await desk(request).read(lambda unit: unit.log.entries(bundle.number * TILE_WIDTH, bundle.width))
    return _whole(entries, bundle.width, tiles.encode_bundle(entries))


def _whole(parts: list[bytes], width: int, octets: bytes) -> Response:
    if len(parts) < width:
        raise NotFound("The log is not as long yet.")
    return Response(octets, 200, _FOR_EVER, _OCTETS)


def _place(kind: type[_Place], path: str) -> _Place:
    try:
        place = tiles.parse_path(f"tile/{path}")
    except InvalidValue as error:
        raise NotFound("There is no such tile.") from error
    if not isinstance(place, kind):
        raise NotFound("There is no such tile.")
    return place
