"""The application: routes, problem documents, headers, and what is opened and closed with it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.openapi.utils import get_openapi
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from ledger_automation.api import (
    audits,
    cases,
    docs,
    erasures,
    export,
    health,
    live,
    log,
    members,
    problems,
    schemas,
    steps,
    uploads,
    verify_page,
    webhooks,
)
from ledger_automation.api.desk import Desk
from ledger_automation.api.dev_issuer import DevIssuer
from ledger_automation.api.edge import Figures
from ledger_automation.api.routes import Endpoint, Route, add
from ledger_automation.workflows import LOG, Workflow, names, workflow


def tables() -> list[Workflow[Any]]:
    """Return the workflows that have routes."""
    return [workflow(name) for name in names() if name != LOG]


def create(desk: Desk, *, issuer: DevIssuer | None = None, figures: Figures | None = None) -> FastAPI:
    """Return the application for a desk; it closes the desk when it ends.

    With a development ``issuer`` it also issues tokens and describes itself; with ``figures`` it shows them.
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await desk.close()

    app = FastAPI(
        title="Ledger Automation",
        version=version("ledger-automation"),
        lifespan=lifespan,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.desk = desk
    app.state.described = lambda: described(app)
    problems.install(app)
    for part in (steps, cases, live, uploads, erasures, export):
        add(app, part.routes(tables()))
    for own in (log, verify_page, members, audits, webhooks, health):
        add(app, own.routes())
    if figures is not None:
        add(app, [Route("GET", "/metrics", "health.metrics", _metrics(figures), {"summary": "Figures"}, public=False)])
    if issuer is not None:
        add(app, docs.routes())
        add(app, issuer.routes())
    return app


def _metrics(figures: Figures) -> Endpoint:
    async def metrics(_: Request) -> Response:
        return Response(generate_latest(figures.registry), media_type=CONTENT_TYPE_LATEST)

    return metrics


def described(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document (3.1): the routes, and the payloads of every workflow."""
    document = get_openapi(title=app.title, version=app.version, routes=app.routes)
    parts = document.setdefault("components", {})
    parts["schemas"] = {**parts.get("schemas", {}), **schemas.components(tables())}
    parts["responses"] = schemas.responses()
    parts["securitySchemes"] = {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}
    for path in document["paths"].values():
        for operation in path.values():
            if "x-roles" in operation:
                operation["security"] = [{"bearer": []}]
    return document
