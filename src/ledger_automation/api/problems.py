"""Problem documents (RFC 9457): every 4xx and 5xx of the service, from one table of types.

The domain knows no HTTP; this table says what each branch of its tree of errors means here, and a test proves it
complete. A document holds one sentence and, of the error's facts, only those that help whoever asked: never a stack
trace, a value of the database, or what somebody else sent.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import msgspec
import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from ledger_automation.errors import (
    CanonicalError,
    ChainRefused,
    Conflict,
    Contradiction,
    Forbidden,
    InvalidInput,
    LedgerError,
    LogTooShort,
    Misconfigured,
    NotFound,
    NotSealed,
    PreconditionFailed,
    TransitionNotAllowed,
    Unauthenticated,
    Unreachable,
)

_log = structlog.get_logger("api")

MEDIA_TYPE: Final = "application/problem+json"
_SHOWN: Final = ("rule", "allowed", "role", "state", "action", "reason", "error", "outcome")
_SHOWN_OF_OURS: Final = ("outcome",)
_OURS: Final = 500
"""From here on it is our fault: the sentence is for an operator, and may name a host, a file, or what a driver says."""


class ProblemType(NamedTuple):
    """One type of problem; its URI is ``/problems/{slug}``, which explains it."""

    slug: str
    status: int
    title: str
    explanation: str


BY_ERROR: Final[Mapping[type[LedgerError], ProblemType]] = MappingProxyType({
    InvalidInput: ProblemType("invalid-input", 422, "Invalid input", "A value is malformed or not allowed at all."),
    CanonicalError: ProblemType(
        "unreadable-json", 400, "Unreadable JSON",
        "JSON is read strictly: UTF-8, each key once, whole numbers up to 2^53-1, no NaN, at most 64 levels.",
    ),
    Unauthenticated: ProblemType("unauthenticated", 401, "Not authenticated", "Send a valid bearer token."),
    Forbidden: ProblemType("forbidden", 403, "Not allowed for you", "Your roles do not allow this."),
    NotFound: ProblemType("not-found", 404, "Not found", "It does not exist, or not for you."),
    TransitionNotAllowed: ProblemType(
        "transition-not-allowed", 409, "The law refuses the step",
        "The workflow's law does not allow this step now; `rule` names the rule. Nothing was changed.",
    ),
    NotSealed: ProblemType("not-sealed", 409, "Not in the log yet", "The proof comes with the next checkpoint."),
    Conflict: ProblemType("conflict", 409, "Somebody was faster", "The same request may succeed when repeated."),
    PreconditionFailed: ProblemType(
        "precondition-failed", 412, "The case has moved on", "Look at the case again before you repeat the request.",
    ),
    LogTooShort: ProblemType(
        "log-too-short", 409, "The log is shorter than that",
        "If you hold a checkpoint of that size, its end was cut off: show it to an auditor.",
    ),
    Contradiction: ProblemType("contradiction", 500, "Evidence does not hold", "What is stored contradicts itself."),
    ChainRefused: ProblemType("chain-refused", 409, "The contract refuses the step", "A contract refused the step."),
    Misconfigured: ProblemType("misconfigured", 503, "Not available", "The service is not set up for this now."),
    Unreachable: ProblemType("unreachable", 503, "Not available now", "Something that is needed does not answer."),
})  # fmt: skip

BY_STATUS: Final[Mapping[int, ProblemType]] = MappingProxyType({
    each.status: each
    for each in (
        ProblemType("bad-request", 400, "Bad request", "The request is not one that can be understood."),
        ProblemType("not-found", 404, "Not found", "It does not exist, or not for you."),
        ProblemType("method-not-allowed", 405, "Method not allowed", "`Allow` names the methods that there are."),
        ProblemType("not-acceptable", 406, "Not acceptable", "It is not there in a form that you accept."),
        ProblemType("content-too-large", 413, "Content too large", "What was sent is larger than is allowed."),
        ProblemType("unsupported-media-type", 415, "Unsupported media type", "Send application/json, not encoded."),
        ProblemType("invalid-input", 422, "Invalid input", "A value is malformed or not allowed at all."),
        ProblemType("too-many-requests", 429, "Too many requests", "Wait as long as `Retry-After` says."),
        ProblemType("internal-error", 500, "Internal error", "A mistake of the program; it was written down."),
    )
})  # fmt: skip

TYPES: Final[Mapping[str, ProblemType]] = MappingProxyType(
    {each.slug: each for each in (*BY_ERROR.values(), *BY_STATUS.values())}
)
_AGAIN_SECONDS: Final = "2"


def type_of(error: LedgerError) -> ProblemType:
    """Return the type of an error: that of its own class, or of the nearest class above."""
    return next((BY_ERROR[kind] for kind in type(error).__mro__ if kind in BY_ERROR), BY_STATUS[500])


def document(kind: ProblemType, sentence: str, **more: Any) -> Response:
    """Write a problem document."""
    body = {"type": f"/problems/{kind.slug}", "title": kind.title, "status": kind.status, "detail": sentence, **more}
    return Response(msgspec.json.encode(body, enc_hook=str), kind.status, media_type=MEDIA_TYPE)


def of_error(error: LedgerError) -> Response:
    """Write the problem document of an error."""
    kind = type_of(error)
    shown = _SHOWN if kind.status < _OURS else _SHOWN_OF_OURS
    facts = {name: error.facts[name] for name in shown if error.facts.get(name) is not None}
    answer = document(kind, error.sentence if kind.status < _OURS else kind.explanation, **facts)
    if isinstance(error, Unauthenticated):
        answer.headers["WWW-Authenticate"] = 'Bearer error="invalid_token"'  # RFC 6750, section 3
    if isinstance(error, Unreachable | NotSealed):
        answer.headers["Retry-After"] = _AGAIN_SECONDS
    return answer


async def _ledger_error(_: Request, error: Exception) -> Response:
    if not isinstance(error, LedgerError):
        return _internal()
    if type_of(error).status >= _OURS:
        _log.error("failed", kind=type(error).__name__, cause=type(error.__cause__).__name__)
    return of_error(error)


async def _http_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        return _internal()
    kind = BY_STATUS.get(error.status_code, BY_STATUS[400])
    answer = document(kind._replace(status=error.status_code), error.detail or kind.title)
    answer.headers.update(error.headers or {})
    if "Allow" in answer.headers:  # where several routes share a path, Starlette names the methods of the first alone
        answer.headers["Allow"] = ", ".join(sorted(_methods(request)))
    return answer


def _methods(request: Request) -> set[str]:
    """Return the methods of all routes that a path leads to (RFC 9110, section 10.2.1)."""
    routes = [each for each in request.app.routes if isinstance(each, APIRoute)]
    return {method for each in routes if each.path_regex.match(request.scope["path"]) for method in each.methods or ()}


async def _invalid(_: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        return _internal()
    flaws = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
    return document(BY_STATUS[422], f"The request does not hold: {flaws}.")


async def _unforeseen(_: Request, __: Exception) -> Response:
    return _internal()


def _internal() -> Response:
    return document(BY_STATUS[500], "The program made a mistake; nothing of the request was kept half done.")


def install(app: FastAPI) -> None:
    """Answer every error of an application with a problem document."""
    app.add_exception_handler(LedgerError, _ledger_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(Exception, _unforeseen)
