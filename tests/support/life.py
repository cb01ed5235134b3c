"""A ledger's random life with crashes, as a state machine: callers, background duties, anchors, and deaths.

The model is what callers were told: `Life.told` for answers, `Life.unknown` for requests whose caller heard nothing
because the process died. Whatever was told must be there at any time; what was not told may be there, once. A death
drops the connection at the so-manieth commit from now, before it or right after it, with the engine and everything in
memory; a new one opens the same database, as a new process would.

In one process and with one caller at a time: that others interleave is what `behaviours/test_postgresql.py` shows.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, ClassVar, Final, NamedTuple

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from ledger_automation.chain import AnchoringChain
from ledger_automation.errors import InvalidValue, TransitionNotAllowed
from ledger_automation.orchestrator.anchor import Anchorer
from ledger_automation.orchestrator.asked import Asked, Taken
from ledger_automation.orchestrator.duties import Duties
from ledger_automation.orchestrator.seal import anchor_and_wait
from ledger_automation.orchestrator.transition import Recorder
from ledger_automation.store.engine import open_engine
from ledger_automation.store.unit_of_work import SqlUnitOfWork
from ledger_automation.tlog.note import SignerKey
from ledger_automation.values import CaseId
from ledger_automation.verify.auditor import Auditor
from ledger_automation.verify.policy import Level, VerificationPolicy
from ledger_automation.verify.verdict import Verdict
from support import asking

START: Final = datetime(2026, 3, 2, 8, tzinfo=UTC)
AMOUNTS: Final = (1, 100, 3_500)
"""What is paid: a fine is settled sooner or later, and from then on the law refuses."""


class Died(BaseException):
    """The process is gone."""


class Death(NamedTuple):
    """Where the next one happens: before or after the commit with that number from now."""

    after: bool
    commits: int


def _deaths() -> st.SearchStrategy[Death | None]:
    """Most things are done; every third one may be the last that this process does."""
    return st.one_of(st.none(), st.none(), st.builds(Death, st.booleans(), st.integers(1, 2)))


class World(NamedTuple):
    """What outlives every process: the database's URL, the chain, and the log's name."""

    url: str
    chain: AnchoringChain
    origin: str


class Life(RuleBasedStateMachine):
    """One log; ``world`` gives it a database of its own."""

    world: ClassVar[Callable[[], World]]
    lived: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self._url, self._chain, self._origin = type(self).world()
        self._key = SignerKey(self._origin, sha256(b"the log key of a life").digest())
        self._clock = START
        self._recorder = Recorder(self._origin, lambda: self._clock)
        keys = (self._key.verifier.text,)
        self._policy = VerificationPolicy(self._origin, keys, Level.ANCHORED, self._chain.identity(), 1)
        self._without_chain = VerificationPolicy(self._origin, keys, Level.LOGGED)
        self._death: Death | None = None
        self._looks = 0
        self.asked: dict[str, Asked] = {}
        self.told: dict[str, Taken | str] = {}
        self.unknown: set[str] = set()
        self._born()
        asking.enrol(self._begin)

    @rule(several=st.integers(1, 4), death=_deaths())
    def open_cases(self, several: int, death: Death | None) -> None:
        self._death = death
        self._ask([self._noted("open", asking.opening) for _ in range(several)])

    @precondition(lambda self: self._cases())
    @rule(data=st.data(), death=_deaths())
    def pay(self, data: st.DataObject, death: Death | None) -> None:
        """A group of payments, one a case; some are more than is due, some come when nothing is."""
        self._death = death
        cases = data.draw(st.lists(st.sampled_from(self._cases()), min_size=1, max_size=4, unique=True))
        amounts = [data.draw(st.sampled_from(AMOUNTS)) for _ in cases]
        asked = zip(cases, amounts, strict=True)
        self._ask([self._noted("pay", lambda key, each=each: asking.paying(key, *each)) for each in asked])

    @precondition(lambda self: self.asked)
    @rule(data=st.data())
    def ask_again(self, data: st.DataObject) -> None:
        """The same key and body: the same answer, and whoever heard nothing hears now."""
        self._ask([data.draw(st.sampled_from(sorted(self.asked)))])

    @precondition(lambda self: self.told)
    @rule(data=st.data())
    def ask_something_else(self, data: st.DataObject) -> None:
        """The same key with another body is refused, and changes nothing."""
        asked = self.asked[data.draw(st.sampled_from(sorted(self.told)))]
        other = asked._replace(fingerprint=sha256(asked.fingerprint).digest())
        outcome = self._alive(lambda: asking.decider(self._begin, self._recorder).decide([other])[0])
        assert outcome is None or isinstance(outcome.error, InvalidValue)

    @rule(death=_deaths())
    def sequence(self, death: Death | None) -> None:
        self._death = death
        self._alive(lambda: self._duties(timedelta(days=999)).sequence())

    @rule(death=_deaths())
    def sweep(self, death: Death | None) -> None:
        self._death = death
        self._alive(lambda: self._duties(timedelta(days=999)).sweep())

    @rule(death=_deaths())
    def heartbeat(self, death: Death | None) -> None:
        """In an idle interval the log says that it lives."""
        self._death = death
        self._alive(lambda: self._duties(timedelta()).sequence())

    @rule(death=_deaths())
    def anchor(self, death: Death | None) -> None:
        self._death = death
        self._alive(lambda: self._duties(timedelta()).anchor(Anchorer(self._begin, self._chain, self._policy)))

    @rule()
    def die(self) -> None:
        self._reborn()

    @invariant()
    def all_holds(self) -> None:
        """Nothing that was told is lost, nothing is there twice, the audit finds nothing; the chain is asked last."""
        self._looks += 1
        opened = {each.case_id for each in self.asked.values()}
        with SqlUnitOfWork.open(self._engine, "read") as unit:
            report = Auditor(self._without_chain).audit(unit.cases, unit.log)
            rows = [row for case_id in opened for row in unit.cases.trail(case_id)]
        assert report.findings == ()
        there = {(row.case_id, row.sequence): row.commitment for row in rows}
        taken = [each for each in self.told.values() if not isinstance(each, str)]
        lost = [each for each in taken if there.get((each.case_id, each.sequence)) != each.commitment]
        least = Counter(each.case_id for each in taken)
        most = least + Counter(str(self.asked[key].case_id) for key in self.unknown)
        doubled = [case_id for case_id, count in Counter(row.case_id for row in rows).items() if count > most[case_id]]
        Life.lived["acknowledged but lost"] += len(lost)
        Life.lived["doubled"] += len(doubled)
        assert (lost, doubled) == ([], [])

    def teardown(self) -> None:
        """Whoever heard nothing asks again; then everybody has one answer, every answer one event, all of it final."""
        self._death = None
        for key in sorted(self.unknown):
            self._ask([key])
        assert not self.unknown
        assert set(self.told) == set(self.asked)
        self.all_holds()
        for _ in range(2):  # a log that never said anything has begun to, by its first heartbeat
            self._duties(timedelta(days=999)).sweep()
        anchorer = Anchorer(self._begin, self._chain, self._policy)
        anchor_and_wait(anchorer, seconds=60)
        with SqlUnitOfWork.open(self._engine, "read") as unit:
            report = Auditor(self._policy, self._chain).audit(unit.cases, unit.log)
        assert (report.verdict, report.findings) == (Verdict.FINAL, ())
        Life.lived["steps"] += self._looks - 2  # but for the first look, and the one above
        Life.lived["lives"] += 1
        Life.lived["acknowledged"] += len(self.told)
        Life.lived["refused"] += sum(isinstance(each, str) for each in self.told.values())
        Life.lived["events"] += report.events
        Life.lived["anchored lives"] += report.anchored_size > 0
        self._engine.dispose()

    def _ask(self, keys: list[str]) -> None:
        """Ask, and write down who heard what; whoever was told before hears the same."""
        group = [self.asked[key] for key in keys]
        again = self.unknown.intersection(keys)
        self.unknown |= set(keys) - set(self.told)
        outcomes = self._alive(lambda: asking.decider(self._begin, self._recorder).decide(group))
        for key, (taken, error, _) in zip(keys, outcomes or (), strict=outcomes is not None):
            assert taken is not None or isinstance(error, TransitionNotAllowed), f"{key}: {error!r}"
            answer = taken or str(error)
            assert self.told.setdefault(key, answer) == answer, key
            self.unknown.discard(key)
            Life.lived["told after a death"] += key in again

    def _noted(self, key: str, asked: Callable[[str], Asked]) -> str:
        """Give a request a key that was never used."""
        name = f"{key} {len(self.asked)}"
        self.asked[name] = asked(name)
        return name

    def _cases(self) -> list[CaseId]:
        """Return the cases that somebody was told of."""
        return [self.asked[key].case_id for key in self.told if self.asked[key].opens]

    def _duties(self, silence: timedelta) -> Duties:
        return Duties(self._begin, self._recorder, self._key, silence, lambda _: None)

    def _alive(self, work: Callable[[], Any]) -> Any:
        """Do something; return None where it ended in death."""
        self._clock += timedelta(seconds=1)
        try:
            return work()
        except Died:
            self._reborn()
            return None

    @contextmanager
    def _begin(self) -> Iterator[SqlUnitOfWork]:
        with SqlUnitOfWork.open(self._engine) as unit:
            commit = unit.commit

            def commit_or_die() -> None:
                death = self._death
                if death is not None and death.commits > 1:
                    self._death = death._replace(commits=death.commits - 1)
                elif death is not None:
                    self._cut(unit, commit if death.after else None)
                commit()

            unit.commit = commit_or_die  # type: ignore[method-assign]
            yield unit

    def _cut(self, unit: SqlUnitOfWork, commit: Callable[[], None] | None) -> None:
        """Drop the connection, before the commit or as its last act."""
        if commit is not None:
            commit()
        unit._connection.invalidate()
        Life.lived["deaths before a commit" if commit is None else "deaths after a commit"] += 1
        raise Died

    def _born(self) -> None:
        self._engine = open_engine(self._url)

    def _reborn(self) -> None:
        self._death = None
        self._engine.dispose()
        self._born()
