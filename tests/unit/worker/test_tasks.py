import ast
from pathlib import Path
from typing import Any

import pytest
from celery import Celery

import ledger_automation
from ledger_automation.errors import InvalidValue
from ledger_automation.orchestrator.duties import Duty
from ledger_automation.values import CaseId
from ledger_automation.worker import tasks
from ledger_automation.worker.workplace import Workplace


@pytest.fixture
def app() -> Celery:
    made = Celery("test", broker="memory://", set_as_current=False)
    tasks.register(made, Workplace(lambda: pytest.fail("nothing is opened to send a task")))
    return made


def test_there_is_one_task_a_duty(app: Any) -> None:
    ours = {name for name in app.tasks if not name.startswith("celery.")}
    assert ours == {
        "ledger.sequence", "ledger.sweep", "ledger.anchor", "ledger.settle", "ledger.cosign", "ledger.audit",
        "ledger.audit_whole", "ledger.deliver", "ledger.erase", "ledger.forget",
    }  # fmt: skip
    assert len(ours) == len(Duty)


def test_two_applications_work_at_their_own_places(monkeypatch: pytest.MonkeyPatch) -> None:
    """Celery shares tasks among the applications of a process, unless told not to."""
    here, there = (Workplace(lambda: pytest.fail("nothing is opened")) for _ in range(2))
    worked: list[Workplace] = []
    monkeypatch.setattr(Workplace, "run", lambda place, _: worked.append(place))
    for place in (here, there):
        made = Celery("test", broker="memory://", set_as_current=False)
        tasks.register(made, place)
        made.tasks["ledger.sweep"]()
    assert worked == [here, there]


@pytest.mark.parametrize(
    "given",
    ["Olga Meier", "HWI-AB 123", "", "a b", "ABC", "1\n", None, 1.5, True, {"name": "x"}, ["1"], b"00", "f" * 65],
)
def test_what_is_no_id_is_refused_where_it_is_sent(app: Any, given: Any) -> None:
    for arguments in (((given,), {}), ((), {"case": given}), ((1, given), {})):
        with pytest.raises(InvalidValue, match="an id") as told:
            app.tasks["ledger.sequence"].apply_async(*arguments)
        if isinstance(given, str) and given:
            assert given not in str(told.value), "not even the refusal repeats it"


def test_an_id_is_no_reason_to_refuse(app: Any) -> None:
    @app.task(base=tasks.ByIds, name="ledger.of_a_case", shared=False)
    def of_a_case(case: str, sequence: int) -> None:
        assert (case, sequence) == ()

    assert of_a_case.apply_async((str(CaseId.random()), 4)).id


def test_nobody_sends_past_that_refusal() -> None:
    """A task that is sent by its name alone would not be looked at."""
    for path in Path(ledger_automation.__path__[0]).rglob("*.py"):
        used = {node.attr for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Attribute)}
        assert "send_task" not in used, path


def test_what_nobody_foresaw_is_told_without_its_words(app: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def surprised(*_: Any) -> None:
        raise RuntimeError("INSERT INTO content VALUES ('Olga Meier, Mecklenburger Str. 12')")

    monkeypatch.setattr(Workplace, "run", surprised)
    with pytest.raises(tasks.Unforeseen) as told:
        app.tasks["ledger.sequence"]()
    assert told.value.args[0] == "RuntimeError"
    assert any(place.startswith("surprised:") for place in told.value.args)
    assert "Olga" not in f"{told.value!r} {told.getrepr(style='native')}"
