"""The OpenAPI document and pages to try it with (Swagger UI), in development only and from local files.

/openapi.json       the document
/docs               the page; its own policy lets it load its own files and nothing from elsewhere
/docs/{file}        the files, of the Python package that brings them
"""

from importlib.util import find_spec
from pathlib import Path
from typing import Final

import msgspec
from fastapi import Request, Response

from ledger_automation.api.routes import Route
from ledger_automation.errors import Misconfigured, NotFound

_FILES: Final = {"swagger-ui.css": "text/css", "swagger-ui-bundle.js": "text/javascript", "start.js": "text/javascript"}
_START: Final = (
    b"""window.onload = () => SwaggerUIBundle({url: "/openapi.json", dom_id: "#page", deepLinking: true});"""
)
_PAGE: Final = b"""<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Ledger Automation</title>
<link rel="stylesheet" href="/docs/swagger-ui.css"></head><body><div id="page"></div>
<script src="/docs/swagger-ui-bundle.js"></script><script src="/docs/start.js"></script></body></html>
"""
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; frame-ancestors 'none'"
)


def routes() -> list[Route]:
    """Return the routes."""
    return [
        Route("GET", "/openapi.json", "docs.document", _document, {"summary": "This document"}, public=False),
        Route("GET", "/docs", "docs.page", _page, {"summary": "A page to try it with"}, public=False),
        Route("GET", "/docs/{file}", "docs.file", _file, {"summary": "A file of the page"}, public=False),
    ]


async def _document(request: Request) -> Response:
    return Response(msgspec.json.encode(request.app.state.described()), media_type="application/json")


async def _page(_: Request) -> Response:
    return Response(_PAGE, 200, {"Content-Security-Policy": _POLICY}, "text/html; charset=utf-8")


async def _file(request: Request) -> Response:
    name = request.path_params["file"]
    if name not in _FILES:
        raise NotFound("There is no such file.")
    return Response(_START if name == "start.js" else (_folder() / name).read_bytes(), media_type=_FILES[name])


def _folder() -> Path:
    spec = find_spec("swagger_ui")  # never imported: it is a web application of its own
    if spec is None or spec.origin is None:
        raise Misconfigured("The files of the documentation are not installed.")
    return Path(spec.origin).parent / "static"
