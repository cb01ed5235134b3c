"""What all that the laws name is called on pages: German words, translated by the catalogues like every other text.

Every row, state, field, choice, rule and role of every table has its words; a test holds it. Whoever asks for a name
that no law has gets a KeyError.

    >>> step("parking_fine", "send_notice"), command("parking_fine", "send_notice")
    ('Der Bußgeldbescheid wurde verschickt.', 'Bußgeldbescheid verschicken')
    >>> rule("check_first"), rule("check_first", "subsidy", "grant")
    ('Vorher muss geprüft werden.', 'Ein Antrag wird geprüft, bevor über ihn entschieden wird.')

One name may mean different things: in two laws, or in two steps of one. `field` and `rule` answer with the words of the
step if it has its own, else with the law's, else with those that are true everywhere.
"""

from collections import ChainMap
from typing import Final

from ledger_automation.web.words import classes, log, parking_fine, permit, shared, subsidy
from ledger_automation.web.words.vocabulary import Vocabulary

LAWS: Final[dict[str, Vocabulary]] = {
    "log": log.WORDS,
    "parking_fine": parking_fine.WORDS,
    "permit": permit.WORDS,
    "subsidy": subsidy.WORDS,
}

_FIELDS: Final = ChainMap(*(dict(each.fields) for each in (shared.SHARED, *LAWS.values())))
_RULES: Final = ChainMap(*(dict(each.rules) for each in (shared.SHARED, *LAWS.values())))


def step(workflow: str, action: str) -> str:
    """Say what happened, in a sentence."""
    return LAWS[workflow].steps[action][0]


def command(workflow: str, action: str) -> str:
    """Return the label of the button that does it."""
    return LAWS[workflow].steps[action][1]


def state(workflow: str, state: str) -> str:
    """Say where a case stands."""
    return LAWS[workflow].states[state]


def term(workflow: str, name: str) -> str:
    """Say what is to be done before a term ends."""
    return LAWS[workflow].terms[name]


def field(name: str, workflow: str = "", action: str = "") -> str:
    """Return the label of a member of a payload, nested ones too; of money and rates without a unit."""
    own = LAWS[workflow].fields if workflow else {}
    return own.get(f"{action}.{name}") or own.get(name) or _FIELDS[name]


def rule(name: str, workflow: str = "", action: str = "") -> str:
    """Say what a rule requires, in a sentence."""
    own = LAWS[workflow].rules if workflow else {}
    return own.get(f"{action}.{name}") or own.get(name) or _RULES[name]


def choice(value: str) -> str:
    """Return what may be chosen in a field."""
    return shared.CHOICES[value]


def role(name: str) -> str:
    """Return what a role is called."""
    return shared.ROLES[name]


def workflow(name: str) -> str:
    """Return what a workflow is called."""
    return shared.WORKFLOWS[name]


def verdict(name: str) -> str:
    """Say what a verification came to, in a sentence."""
    return shared.VERDICTS[name]


def drawn(verdict: str) -> str:
    """Say of one step of a sample what its verification came to."""
    return shared.DRAWN[verdict]


def part(name: str) -> str:
    """Return what a part of the service is called."""
    return shared.PARTS[name]


def queue(name: str) -> str:
    """Say what waits in a place."""
    return shared.QUEUES[name]


def tampering(kind: str) -> str:
    """Say what somebody did, by the class of the catalogue."""
    return classes.CLASSES[kind]


def attack(kind: str) -> str:
    """Say what somebody does in the room to tamper in, in a sentence."""
    return classes.ATTACKS[kind]
