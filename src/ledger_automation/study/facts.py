"""What is declared about a town: who writes, who trusts whom, and what each step of a workflow must stand up to.

Nothing here is measured, and nothing can be: how many organisations write, and whom those trust who rely on a step, is
said by a person, with a reason in German and in English. `facts.toml` says it for the Hansestadt Wismar; a town passes
its own file. What a workflow declares holds for each of its steps, unless the step declares otherwise:

    town = "..."
    declared = 2026-11-29
    [workflow.permit.default]
    writers = { value = 1, de = "Nur die Stadt schreibt.", en = "Only the town writes." }
    ...
    [workflow.permit.step.grant]
    distrusted = { value = "operator", de = "...", en = "..." }

`chain_called_for` asks the questions of Wüst and Gervais ("Do you need a Blockchain?", 2018, figure 1) of these facts.
What it does not do: say which system is enough. That takes what was measured, too (`verdict`).
"""

import datetime as dt
from enum import StrEnum
from typing import Annotated, Final, Generic, Literal, TypeVar

import msgspec

from ledger_automation.study.declarations import Declarations
from ledger_automation.verify.verdict import Sentence
from ledger_automation.workflows import LOG, names, workflow

ADVERSARIES: Final = ("clerk", "administrator", "operator")
"""Who may tamper, each able to do all that those before can; the words of `record.Tampered`."""

_Value = TypeVar("_Value")
_Words = Annotated[str, msgspec.Meta(min_length=1)]
Adversary = Literal["clerk", "administrator", "operator"]
Organisations = Annotated[int, msgspec.Meta(ge=1)]
Hours = Annotated[float, msgspec.Meta(gt=0, le=87_600)]


class Fact(msgspec.Struct, Generic[_Value], frozen=True, forbid_unknown_fields=True):
    """One declared fact, and why it is declared so."""

    value: _Value
    de: _Words
    en: _Words

    @property
    def reason(self) -> Sentence:
        """Return the reason in both languages."""
        return Sentence(self.de, self.en)


class StepFacts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All that is declared about one step, or about every step of a workflow.

    ``writers`` is how many organisations write the state, ``writers_known`` and ``writers_trusted`` whether all of them
    are known, and trusted by each other; ``third_party`` whether there is one always-online party that all readers
    trust; ``public`` whether anybody must be able to verify. ``distrusted`` is the strongest adversary that those who
    rely on the step want to be safe from: the operator (database, application and log key) where he is not trusted.
    ``prevented`` tells whether an unlawful step must be impossible even for the operator; else it is enough that it is
    noticed, within ``noticed_within_hours``. ``survives_operator`` tells whether evidence must be left when the
    operator is gone, ``held_outside`` whether somebody else holds receipts or checkpoints.
    """

    writers: Fact[Organisations]
    writers_known: Fact[bool]
    writers_trusted: Fact[bool]
    third_party: Fact[bool]
    public: Fact[bool]
    distrusted: Fact[Adversary]
    prevented: Fact[bool]
    noticed_within_hours: Fact[Hours]
    survives_operator: Fact[bool]
    held_outside: Fact[bool]

    @property
    def adversaries(self) -> tuple[str, ...]:
        """Return everybody whom the step must be safe from, the weakest first."""
        return ADVERSARIES[: ADVERSARIES.index(self.distrusted.value) + 1]


class Departure(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """In what a step differs from its workflow."""

    writers: Fact[Organisations] | None = None
    writers_known: Fact[bool] | None = None
    writers_trusted: Fact[bool] | None = None
    third_party: Fact[bool] | None = None
    public: Fact[bool] | None = None
    distrusted: Fact[Adversary] | None = None
    prevented: Fact[bool] | None = None
    noticed_within_hours: Fact[Hours] | None = None
    survives_operator: Fact[bool] | None = None
    held_outside: Fact[bool] | None = None


class WorkflowFacts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What holds for every step of a workflow, and the steps that differ, by their action."""

    default: StepFacts
    step: dict[str, Departure] = {}

    def of(self, action: str) -> StepFacts:
        """Return what is declared about a step."""
        departure = self.step.get(action, Departure())
        own = {name: getattr(departure, name) for name in departure.__struct_fields__}
        return msgspec.structs.replace(self.default, **{name: fact for name, fact in own.items() if fact is not None})


class Facts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A whole file: whose facts, declared on which day, by workflow."""

    town: _Words
    declared: dt.date
    workflow: dict[str, WorkflowFacts]

    def of(self, workflow_name: str, action: str) -> StepFacts:
        """Return what is declared about a step of a workflow."""
        return self.workflow[workflow_name].of(action)


class Chain(StrEnum):
    """The four answers of Wüst and Gervais; for a chain that there is, what kind it is of."""

    NONE = "none"
    PRIVATE = "private permissioned"
    PUBLIC = "public permissioned"
    PERMISSIONLESS = "permissionless"


CALLED_FOR: Final = {
    Chain.NONE: Sentence("keine Chain nötig", "no chain is called for"),
    Chain.PRIVATE: Sentence("eine private Chain mit Zulassung angezeigt", "a private permissioned chain is called for"),
    Chain.PUBLIC: Sentence(
        "eine öffentliche Chain mit Zulassung angezeigt", "a public permissioned chain is called for"
    ),
    Chain.PERMISSIONLESS: Sentence("eine Chain ohne Zulassung angezeigt", "a permissionless chain is called for"),
}
"""The four answers of Wüst and Gervais in words."""


def workflows() -> list[str]:
    """List the workflows about which facts are declared: all but the log's own."""
    return [name for name in names() if name != LOG]


def chain_called_for(facts: StepFacts) -> tuple[Chain, Sentence]:
    """Return the answer of Wüst and Gervais, and the sentence that gives it with the reason of the deciding fact."""
    kind, decided = _asked(facts)
    words = CALLED_FOR[kind]
    return kind, Sentence(
        f"Nach Wüst und Gervais ist {words.de}. {decided.de}", f"By Wüst and Gervais {words.en}. {decided.en}"
    )


def _asked(facts: StepFacts) -> tuple[Chain, Sentence]:
    """Ask their questions in their order; the first, whether there is state to store, every step answers by itself."""
    if facts.writers.value == 1:  # 2. Are there multiple writers?
        return Chain.NONE, facts.writers.reason
    if facts.third_party.value:  # 3. Can you use an always online TTP?
        return Chain.NONE, facts.third_party.reason
    if not facts.writers_known.value:  # 4. Are all writers known?
        return Chain.PERMISSIONLESS, facts.writers_known.reason
    if facts.writers_trusted.value:  # 5. Are all writers trusted?
        return Chain.NONE, facts.writers_trusted.reason
    kind = Chain.PUBLIC if facts.public.value else Chain.PRIVATE  # 6. Is public verifiability required?
    return kind, facts.writers_trusted.reason


def _flaws(facts: Facts) -> list[str]:
    """Every workflow is there and no other; a departure is of an action; nobody trusts and distrusts the operator."""
    flaws = [f"they say nothing about the workflow {name}" for name in workflows() if name not in facts.workflow]
    for name, declared in facts.workflow.items():
        if name not in workflows():
            flaws.append(f"there is no workflow {name}")
            continue
        actions = workflow(name).transitions
        flaws += [f"{name} has no action {action}" for action in declared.step if action not in actions]
        for action in actions:
            step = declared.of(action)
            if step.prevented.value and step.distrusted.value != "operator":
                flaws.append(f"{name} {action} must be impossible for an operator who is trusted")
    return flaws


DECLARATIONS: Final = Declarations(Facts, "facts", _flaws)
shipped, load = DECLARATIONS.shipped, DECLARATIONS.load
parse, convert = DECLARATIONS.parse, DECLARATIONS.convert
