"""Templates become answers: in the reader's language, with a policy that lets nothing in but our own style sheets.

Pages that speak to a passkey, and a case that may move on while it is looked at, run one small script of ours besides.

The language is the address's (`/`, `/en/`, `/leicht/`), so a page can be kept, shared and printed as it was read. The
texts of the templates are German; catalogues translate them. KERN (EUPL-1.2) is served as npm brings it, compressed.
"""

import gzip
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from gettext import NullTranslations
from importlib.resources import files
from io import BytesIO
from typing import Any, Final
from zoneinfo import ZoneInfo

from babel.dates import format_datetime
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import Response

from ledger_automation.errors import NotFound
from ledger_automation.web import words

_POLICY: Final = (
    "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_TOWN: Final = ZoneInfo("Europe/Berlin")
_SCRIPTED: Final = f"{_POLICY}; script-src 'self'; connect-src 'self'"
_FILES: Final = {
    "kern.css.gz": "text/css",
    "pages.css": "text/css",
    "passkey.js": "text/javascript",
    "live.js": "text/javascript",
}


class Language(StrEnum):
    """A language, by where its pages begin."""

    GERMAN = ""
    ENGLISH = "/en"
    EASY = "/leicht"

    @property
    def tag(self) -> str:
        """Its tag (BCP 47); easy German is a variant by private use."""
        return {"": "de", "/en": "en", "/leicht": "de-x-leicht"}[self]

    @property
    def called(self) -> str:
        """What it calls itself."""
        return {"": "Deutsch", "/en": "English", "/leicht": "Leichte Sprache"}[self]

    @property
    def _locale(self) -> str:
        return "en_GB" if self is Language.ENGLISH else "de_DE"

    @property
    def decimal(self) -> str:
        """What stands between euros and cents."""
        return "." if self is Language.ENGLISH else ","

    def moment(self, at: str | datetime) -> str:
        """Write a moment (as RFC 3339, or aware) as the town's clock shows it; at the calendar's end as UTC does."""
        form = "d MMMM y, HH:mm" if self is Language.ENGLISH else "d. MMMM y, HH:mm"
        moment = datetime.fromisoformat(at) if isinstance(at, str) else at
        try:
            return format_datetime(moment, form, tzinfo=_TOWN, locale=self._locale)
        except OverflowError:
            return format_datetime(moment, form, tzinfo=UTC, locale=self._locale)


def page(request: Request, template: str, status: int = 200, *, script: bool = False, **facts: Any) -> Response:
    """Return a page in the language of the address; only one with a ``script`` may run any, and only ours."""
    language = language_of(request)
    known = {name: getattr(request.state, name, None) for name in ("visitor", "signs_in", "has_study")}
    here = request.url.path.removeprefix(language) or "/"
    text = (
        _environment(language)
        .get_template(f"{template}.html.j2")
        .render(language=language, languages=list(Language), here=here, words=words, **known, **facts)
    )
    headers = {
        "Content-Security-Policy": _SCRIPTED if script else _POLICY,
        "Content-Language": language.tag,
        "Cache-Control": "no-store",
    }
    return Response(text, status, headers, "text/html; charset=utf-8")


def language_of(request: Request) -> Language:
    """Return the language whose pages the address is among."""
    first = "/" + request.url.path.split("/")[1]
    return Language(first) if first in list(Language) else Language.GERMAN


def resource(request: Request, name: str) -> Response:
    """Return a style sheet or the script, compressed where it lies here so and is taken so; raises NotFound."""
    if name not in _FILES:
        raise NotFound("There is no such file.")
    octets = files(__package__).joinpath("static", name).read_bytes()
    headers = {"Cache-Control": "public, max-age=3600", "Vary": "Accept-Encoding"}
    if name.endswith(".gz") and "gzip" in request.headers.get("accept-encoding", ""):
        headers["Content-Encoding"] = "gzip"
    elif name.endswith(".gz"):
        octets = gzip.decompress(octets)
    return Response(octets, 200, headers, _FILES[name])


@cache
def catalogue(language: Language) -> NullTranslations:
    """Return what translates German into a language."""
    if language is Language.GERMAN:
        return NullTranslations()
    written = BytesIO()
    with files(__package__).joinpath("locales", f"{language.name.lower()}.po").open("rb") as file:
        write_mo(written, read_po(file))
    written.seek(0)
    return Translations(written)


@cache
def _environment(language: Language) -> Environment:
    environment = Environment(
        loader=PackageLoader(__package__),
        extensions=["jinja2.ext.i18n"],
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.install_gettext_translations(catalogue(language), newstyle=True)  # type: ignore[attr-defined]
    return environment
