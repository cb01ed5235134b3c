"""Which page stands where, and for whom: the same addresses in every language, behind `/`, `/en` and `/leicht`.

    everybody         /  /brief  /brief/beleg  /protokoll (`public`), /zahlen (`study`), /anmelden, /seiten/*
    who is signed in  /abmelden (`visits`), /konto and below (`account`)
    who acts          /faelle and below (`cases`, `steps`, `signing`, `takeaway`)
    whoever pays      /foerderung and below (`funding`)
    auditors          /pruefung and below (`audits`), /werkstatt (`tamper`)
    administrators    /betrieb (`operation`)

A page for roles is for whoever has one of them; what each of them may see and do there is asked of the law and the
members at each request.
"""

from collections.abc import Iterator
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ledger_automation.orchestrator.decide import APPLICANT
from ledger_automation.web import account, audits, cases, funding, operation, public, steps, study, takeaway, visits
from ledger_automation.web.pages import Language, resource
from ledger_automation.web.site import Endpoint, Named, Site, answered
from ledger_automation.web.tamper import tamper

_GET: Final = ("GET",)
_POST: Final = ("POST",)
_BOTH: Final = ("GET", "POST")


def routes(site: Site) -> list[Route]:
    """Return every page in every language, and the style sheets with the script."""
    found: list[Route] = [
        Named(
            f"{language}{path}" if path != "/" or not language else language, answered(site, endpoint), methods=methods
        )
        for path, methods, endpoint in _pages(site)
        for language in Language
    ]
    found += [
        Named(f"{language}/", answered(site, public.start(site)), methods=_GET) for language in Language if language
    ]
    found.append(Named(visits.BACK, answered(site, visits.landing(site)), methods=_GET))
    found += [Named(f"/zahlen/{name}", answered(site, study.report(site, name)), methods=_GET) for name in study.FILES]
    return [*found, Named("/seiten/{name}", _resource, methods=_GET)]


def _pages(site: Site) -> Iterator[tuple[str, tuple[str, ...], Endpoint]]:
    yield "/", _GET, public.start(site)
    yield "/brief", _BOTH, public.letter(site)
    yield "/brief/beleg", _POST, public.receipt(site)
    yield "/protokoll", _GET, public.log(site)
    yield "/zahlen", _GET, study.entrance(site)
    yield "/anmelden", _GET, visits.entrance(site)
    yield "/abmelden", _POST, visits.exit_of(site)
    yield "/konto", _GET, account.account(site)
    yield "/konto/passkey", _POST, account.registration(site)
    yield "/konto/passkey/entfernen", _POST, account.removal(site)
    applicants = frozenset({APPLICANT})
    yield "/brief/schritt", _POST, visits.for_roles(site, applicants, steps.by_letter(site), changes=False)
    yield "/faelle/{case}/stand", _GET, visits.for_roles(site, visits.ACTORS, cases.standing(site), counts=False)
    for path, methods, signed, roles in (
        ("/faelle", _GET, cases.worklist(site), visits.ACTORS),
        ("/faelle/neu/{workflow}/{action}", _BOTH, steps.opening(site), visits.ACTORS),
        ("/faelle/{case}", _GET, cases.file(site), visits.ACTORS),
        ("/faelle/{case}/beleg", _GET, cases.receipt(site), visits.ACTORS),
        ("/faelle/{case}/beleg.pdf", _GET, takeaway.paper(site), visits.ACTORS),
        ("/faelle/{case}/qr", _GET, takeaway.codes(site), visits.ACTORS),
        ("/faelle/{case}/bescheid/{number}", _GET, takeaway.letter(site), takeaway.LETTERS),
        ("/faelle/{case}/{action}", _BOTH, steps.step(site), visits.ACTORS),
        ("/foerderung", _GET, funding.listing(site), visits.FUNDERS),
        ("/foerderung/{case}", _GET, funding.one(site), visits.FUNDERS),
        *((f"/foerderung/{{case}}/{name}", _GET, funding.file(site, name), visits.FUNDERS) for name in funding.FILES),
        ("/pruefung", _BOTH, audits.listing(site), visits.AUDITORS),
        ("/pruefung/stichprobe", _GET, audits.drawn(site), visits.AUDITORS),
        ("/pruefung/{run}", _GET, audits.run(site), visits.AUDITORS),
        ("/pruefung/{run}/bericht", _GET, audits.report(site), visits.AUDITORS),
        ("/werkstatt", _BOTH, tamper(site), visits.AUDITORS),
        ("/betrieb", _GET, operation.operation(site), visits.OPERATORS),
        ("/betrieb/abmelden", _POST, operation.sign_out(site), visits.OPERATORS),
    ):
        yield path, methods, visits.for_roles(site, roles, signed)


async def _resource(request: Request) -> Response:
    return resource(request, request.path_params["name"])
