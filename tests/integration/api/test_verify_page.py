"""The page over HTTP: for everybody, with this home's policy, under the page's own security policy."""

from pathlib import Path

from ledger_automation.bootstrap import pin
from ledger_automation.reading import home_policy
from ledger_automation.verify.page import assemble
from ledger_automation.verify.policy import Level, VerificationPolicy
from ledger_automation.verify.sources import ChainIdentity
from support.town import open_town

CHAIN = ChainIdentity(31337, "0x" + "01" * 32, "0x" + "aB" * 20, "0x" + "02" * 32)


def test_the_page_is_the_one_that_the_command_line_writes(tmp_path: Path) -> None:
    with open_town(tmp_path) as town:
        answer = town.ask("", "GET", "/verify.html")
        page = assemble(home_policy(town.ledger.settings))
        assert (answer.status, answer.body.decode()) == (200, page.text)
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert answer.headers["content-security-policy"] == f"{page.security}; frame-ancestors 'none'"
        assert answer.headers["cache-control"] == "no-cache"


def test_it_follows_what_the_home_pins(tmp_path: Path) -> None:
    with open_town(tmp_path) as town:
        before = home_policy(town.ledger.settings)
        assert before.level is Level.LOGGED
        pin(tmp_path, VerificationPolicy(before.origin, before.log_keys, Level.ANCHORED, CHAIN))
        assert CHAIN.registry in town.ask("", "GET", "/verify.html").body.decode()
