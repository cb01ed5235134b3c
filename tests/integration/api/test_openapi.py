"""The OpenAPI document: what is committed is what the routes are, and every route is in it or public by name."""

import json
import os
from pathlib import Path
from typing import Any

from fastapi.routing import APIRoute

from ledger_automation.api.application import described, tables

COMMITTED = Path(__file__).resolve().parents[3] / "docs" / "openapi.json"
HIDDEN = {
    "/metrics",
    "/openapi.json",
    "/docs",
    "/docs/{file}",
    "/dev/.well-known/openid-configuration",
    "/dev/jwks",
    "/dev/token",
    "/dev/authorize",
    "/dev/redeem",
}
OPEN = {
    "/log/checkpoint",
    "/log/tile/entries/{index}",
    "/log/tile/{level}/{index}",
    "/livez",
    "/verify.html",
    "/readyz",
    "/problems/{slug}",
}


def test_the_document_is_the_committed_one(application: Any) -> None:
    text = json.dumps(described(application), indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    if os.environ.get("UPDATE_OPENAPI"):
        COMMITTED.write_text(text, "utf-8")
    assert text == COMMITTED.read_text("utf-8"), "run the test with UPDATE_OPENAPI=1 and look at what changed"


def test_every_route_is_described_or_hidden_by_name(application: Any) -> None:
    paths = {each.path.replace(":path", "") for each in application.routes if isinstance(each, APIRoute)}
    assert paths - set(described(application)["paths"]) == HIDDEN


def test_every_row_of_every_workflow_has_a_route(application: Any) -> None:
    paths = described(application)["paths"]
    for table in tables():
        for row in table.transitions.values():
            where = f"/workflows/{table.name}/cases" + (f"/{{case}}/{row.action}" if row.sources else "")
            roles = paths[where]["post"]["x-roles"]
            assert set(row.roles) <= set(roles)


def test_only_what_is_open_by_name_asks_for_no_token(application: Any) -> None:
    for path, operations in described(application)["paths"].items():
        for operation in operations.values():
            assert ("security" in operation) == (path not in OPEN), path


def test_every_refusal_is_a_problem_document(application: Any) -> None:
    document = described(application)
    for path, operations in document["paths"].items():
        for operation in operations.values():
            for status, answer in operation["responses"].items():
                if status >= "400" and path != "/readyz":
                    assert answer == {"$ref": f"#/components/responses/{status}"}
                    assert list(document["components"]["responses"][status]["content"]) == ["application/problem+json"]
