"""A route as data: where it stands, who answers, who may ask, and what the OpenAPI document says of it.

Endpoints take the request and return a response; parsing is strict and their own (`body`), so nothing is guessed from
annotations. A route without ``roles`` is for everybody, without a token.
"""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any, NamedTuple

from fastapi import FastAPI, Request, Response

Endpoint = Callable[[Request], Awaitable[Response]]


class Route(NamedTuple):
    """One operation. ``name`` is its operation id, with its tag before the dot; ``described`` is the document's."""

    method: str
    path: str
    name: str
    endpoint: Endpoint
    described: dict[str, Any]
    roles: Iterable[str] = ()
    public: bool = True


def add(app: FastAPI, routes: Iterable[Route]) -> None:
    """Add routes to an application."""
    for each in routes:
        app.add_api_route(
            each.path,
            each.endpoint,
            methods=[each.method],
            operation_id=each.name,
            summary=each.described["summary"],
            tags=[each.name.partition(".")[0]],
            response_class=Response,
            include_in_schema=each.public,
            openapi_extra={**each.described, **({"x-roles": sorted(each.roles)} if each.roles else {})},
        )
