"""Everything once: a grant, permits and fines, sealed, anchored, receipted, audited, and then tampered with.

It runs the same use cases as every other verb, on a ledger of its own and on the chain that it is given. What it
returns is what it saw; a step of it that does not come out as announced raises an error, so a demonstration that ends
has shown what it says.
"""

import secrets
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import msgspec

from ledger_automation.bootstrap import Enforcing, Ledger
from ledger_automation.errors import AnchorRefused, ChainRefused, Contradiction, TransitionNotAllowed
from ledger_automation.intake.commands import commands
from ledger_automation.intake.generator import follows, generate
from ledger_automation.intake.mapping import shipped
from ledger_automation.orchestrator import replay as replaying
from ledger_automation.orchestrator.anchor import Anchorer
from ledger_automation.orchestrator.ports import IntakeRun
from ledger_automation.orchestrator.receipt import issue
from ledger_automation.orchestrator.seal import seal
from ledger_automation.orchestrator.transition import Intent, Standing
from ledger_automation.store.engine import open_engine
from ledger_automation.store.unit_of_work import SqlUnitOfWork
from ledger_automation.study import tampering, wismar
from ledger_automation.tlog import receipt_file as receipts
from ledger_automation.values import CaseId
from ledger_automation.verify.auditor import Auditor, AuditReport
from ledger_automation.verify.policy import Level
from ledger_automation.verify.selftest import selftest
from ledger_automation.verify.verdict import Finding, Verdict
from ledger_automation.verify.verifier import Verifier
from ledger_automation.workflows import workflow
from ledger_automation.workflows.subsidy.findings import findings

SEED = 2019
Tell = Callable[[str, int, int], None]
"""Told (what, done, of) while it runs."""


class Found(msgspec.Struct, frozen=True):
    """A tampering and what the verifier said of it."""

    tampering: str
    who: str
    what: str
    findings: tuple[Finding, ...]
    refused_by_chain: str | None = None


class Summary(msgspec.Struct, frozen=True):
    """What the demonstration saw."""

    wismar_case: str
    wismar_findings: tuple[str, ...]
    refused_attempts: tuple[str, ...]
    runs: dict[str, dict[str, Any]]
    chain_id: int
    registry: str
    log_key: str
    tree_size: int
    checkpoints: int
    receipts: int
    verdict: Verdict
    tamperings: tuple[Found, ...]


class Demonstration:
    """One run on a fresh ledger; ``out`` gets the receipts, the log's public key and the policy."""

    def __init__(self, ledger: Ledger, enforcing: Enforcing, out: Path, tell: Tell) -> None:
        self._ledger = ledger
        self._enforcing = enforcing
        self._chain = enforcing.chain.anchor
        self._policy = enforcing.policy
        self._out = out
        self._tell = tell
        self._anchorer = Anchorer(ledger.begin, self._chain, self._policy)

    def run(self, *, permits: int = 60, fines: int = 300) -> Summary:
        """Show everything; raises what went wrong."""
        selftest()
        case_id, refused = self._grant()
        self._seal()
        backup = self._out / "tampered" / "backup.sqlite"
        runs = {"permit": self._generated("receipt", permits)}
        self._seal()
        tampering.copy(self._database, backup)
        runs["parking_fine"] = self._generated("traffic_fines", fines)
        self._seal()
        written = self._receipts()
        report = self._audit(self._ledger.engine.url.render_as_string())
        if report.verdict is not Verdict.FINAL:
            raise Contradiction("The audit of the demonstration is not final.", actual=report.findings)
        identity = self._chain.identity()
        return Summary(
            wismar_case=case_id,
            wismar_findings=tuple(self._wismar_findings(case_id)),
            refused_attempts=tuple(refused),
            runs=runs,
            chain_id=identity.chain_id,
            registry=identity.registry,
            log_key=self._policy.log_keys[0],
            tree_size=report.tree_size,
            checkpoints=report.checkpoints,
            receipts=written,
            verdict=report.verdict,
            tamperings=tuple(self._tamperings(backup)),
        )

    @property
    def _database(self) -> Path:
        return Path(str(self._ledger.engine.url.database))

    def _grant(self) -> tuple[CaseId, list[str]]:
        """Run the grant enforced, with the steps that law and contract refuse on the way."""
        for actor, roles in wismar.ROLES_OF.items():
            self._enforcing.admit("subsidy", actor, roles)
        enforcer, steps = self._enforcing.enforcer, wismar.STEPS
        case_id = CaseId(enforcer.open_case(workflow("subsidy"), steps[0]).event.case_id)
        refused: list[str] = []
        for number, intent in enumerate(steps[1:], 1):
            refused += [self._refused(case_id, attempt) for attempt in wismar.REFUSED if attempt.after == number]
            if intent.command.action == "disburse_tranche":
                refused.append(self._forged(case_id, intent))
            enforcer.advance(case_id, intent)
            self._tell("Wismar grant, enforced", number + 1, len(steps))
        return case_id, refused

    def _refused(self, case_id: CaseId, attempt: wismar.Attempt) -> str:
        """Try a step that the law refuses; then have its actor sign it and put it to the contract all the same."""
        command = attempt.intent.command
        try:
            self._enforcing.enforcer.advance(case_id, attempt.intent)
        except TransitionNotAllowed as refusal:
            if refusal.rule != attempt.rule:
                raise
            error = challenge(self._ledger, self._enforcing, case_id, attempt.intent, command.actor.id)
            if error.error.lower() != attempt.rule.replace("_", ""):
                raise Contradiction("Law and contract differ.", expected=attempt.rule, actual=error.error) from error
            who = f"{command.actor.id} tries to {command.action} as {command.actor.role}"
            return f"{who}: {refusal.sentence} The contract says {error.error}({_told(error)})."
        raise Contradiction("The law allowed what it must refuse.", expected=attempt.rule, actual=command.action)

    def _forged(self, case_id: CaseId, intent: Intent) -> str:
        """Have somebody else sign a step that would be lawful: the operator has every key but the actor's own."""
        forger = wismar.STEPS[1].command.actor.id
        error = challenge(self._ledger, self._enforcing, case_id, intent, forger)
        if error.error != "NotSigned":
            raise Contradiction("The contract took another's signature.", expected="NotSigned", actual=error.error)
        actor = intent.command.actor.id
        return f"{forger} signs {intent.command.action} in the name of {actor}: the contract says NotSigned."

    def _wismar_findings(self, case_id: CaseId) -> Iterable[str]:
        with self._ledger.read() as unit:
            record = unit.cases.case(case_id)
        if record is None or (case := Standing.of(record).case) is None:
            raise Contradiction("The grant's case is gone.", expected=case_id)
        return [finding.sentence for finding in findings(case.data)]

    def _generated(self, process: str, cases: int) -> dict[str, Any]:
        """Replay generated cases through the same mapping as the real log of that process."""
        mapping = shipped(follows(process).mapping)
        traces = list(generate(process, cases=cases, seed=SEED))
        total = sum(len(trace.events) for trace in traces)

        def after(run: IntakeRun) -> None:
            self._tell(f"{cases} {mapping.workflow} cases", run.counted, total)

        plan = replaying.Plan(f"demonstration {process} {SEED}", workflow(mapping.workflow), Level.ANCHORED)
        run = replaying.replay(self._ledger.begin, self._ledger.recorder, plan, commands(traces, mapping), after)
        return {"cases": run.cases, "events": total, "accepted": run.accepted, "refused": sum(run.refusals.values())}

    def _seal(self) -> None:
        sealed = seal(self._ledger.begin, self._ledger.recorder, self._ledger.key, self._anchorer)
        self._tell("sealed and anchored", sealed.tree_size, sealed.tree_size)

    def _receipts(self) -> int:
        """Issue a receipt for each case and verify it as a stranger would: from its bytes, against the policy."""
        folder = self._out / "receipts"
        folder.mkdir(parents=True)
        with self._ledger.read() as unit:
            case_ids = [
                case_id for case_id, record, _ in unit.cases.trails(0, 0) if record and record.workflow != "log"
            ]
            for number, case_id in enumerate(case_ids, 1):
                path = folder / f"{case_id}.json"
                path.write_bytes(receipts.write(issue(unit, CaseId(case_id))))
                answer = Verifier(self._policy, self._chain).verify(receipts.read(path))
                if answer.verdict is not Verdict.FINAL:
                    raise Contradiction(
                        f"A fresh receipt does not verify: {answer.steps[-1].detail}", actual=answer.steps
                    )
                self._tell("receipts issued and verified", number, len(case_ids))
        return len(case_ids)

    def _audit(self, url: str) -> AuditReport:
        engine = open_engine(url)
        try:
            with SqlUnitOfWork.open(engine, "read") as unit:
                return Auditor(self._policy, self._chain).audit(unit.cases, unit.log, store=unit.soundness)
        finally:
            engine.dispose()

    def _tamperings(self, backup: Path) -> Iterable[Found]:
        total = len(tampering.TAMPERINGS) + 1
        for number, each in enumerate(tampering.TAMPERINGS, 1):
            copy = self._out / "tampered" / f"{each.tampering}.sqlite"
            tampering.copy(self._database, copy)
            tampering.inject(copy, each.attack, self._ledger.key)
            yield self._found(each.tampering, each.who, each.what, copy)
            self._tell("tamperings found", number, total)
        yield self._found("T22", "the operator", "restores the backup from before the fines", backup)
        self._tell("tamperings found", total, total)

    def _found(self, kind: str, who: str, what: str, copy: Path) -> Found:
        report = self._audit(f"sqlite:///{copy}")
        if kind not in {finding.tampering for finding in report.findings}:
            raise Contradiction(f"Tampering {kind} was not found; {report.findings}", expected=kind)
        refused = self._anchor_anyway(copy) if kind == "T36" else None
        return Found(kind, who, what, report.findings, refused)

    def _anchor_anyway(self, copy: Path) -> str:
        """Let the operator go on from the rewritten log and anchor it: the contract itself must refuse."""
        engine = open_engine(f"sqlite:///{copy}")
        ledger = Ledger(self._ledger.settings, engine, self._ledger.recorder)
        try:
            seal(ledger.begin, ledger.recorder, ledger.key, Anchorer(ledger.begin, self._chain, self._policy))
        except AnchorRefused as refusal:
            return refusal.sentence
        finally:
            engine.dispose()
        raise Contradiction("The chain accepted a rewritten log.", expected="a revert")


def challenge(ledger: Ledger, enforcing: Enforcing, case_id: CaseId, intent: Intent, signer: str) -> ChainRefused:
    """Put a step to the contract without asking the law here, signed by whoever; return how the contract refuses it."""
    enforcer, chain = enforcing.enforcer, enforcing.chain
    with ledger.read() as unit:
        point = enforcer.standpoint(unit, case_id)
    name = point.standing.table.name
    step = enforcer.in_contract_words(point, intent, secrets.token_bytes(32))
    _, signature = chain.actors.sign(signer, step.digest(chain.ledgers.domain(name)))
    try:
        chain.ledgers.simulate(chain.ledgers.call(name, step, signature))
    except ChainRefused as refusal:
        return refusal
    raise Contradiction("The contract took a step that it must refuse.", actual=intent.command.action)


def _told(error: ChainRefused) -> str:
    return ", ".join(f"{name}={value}" for name, value in error.arguments.items())


def in_words(summary: Summary) -> list[str]:
    """Write the summary for people, in Markdown."""
    runs = [
        f"- {run['cases']} {name} cases: {run['events']} events, {run['accepted']} accepted, {run['refused']} refused"
        for name, run in summary.runs.items()
    ]
    return [
        "# What the demonstration showed",
        "",
        "## The Wismar grant, each step signed by its actor and taken by its contract; what an auditor wants to know",
        "",
        *(f"- {sentence}" for sentence in summary.wismar_findings),
        "",
        "Refused on the way:",
        "",
        *(f"- {sentence}" for sentence in summary.refused_attempts),
        "",
        "## Cases from the real processes' figures",
        "",
        *runs,
        "",
        "## The evidence",
        "",
        f"- a log of {summary.tree_size} leaves under {summary.checkpoints} signed checkpoints,",
        f"- anchored in the registry {summary.registry} on chain {summary.chain_id},",
        f"- {summary.receipts} receipts, each verified from its file,",
        f"- a full audit: **{summary.verdict}**.",
        "",
        "## Tampering, found and located",
        "",
        *(line for found in summary.tamperings for line in _found_in_words(found)),
    ]


def _found_in_words(found: Found) -> Iterable[str]:
    yield f"- **{found.tampering}**: {found.who} {found.what}."
    for finding in found.findings:
        yield f"    - {finding.in_words()}"
    if found.refused_by_chain:
        yield f"    - And when the rewritten log goes on and wants to be anchored: {found.refused_by_chain}"
