"""A session is its holder's, for as long as it is used and no longer than a working day."""

from datetime import UTC, datetime, timedelta

from ledger_automation.orchestrator.asked import Identity
from ledger_automation.orchestrator.session import IDLE, LONGEST, Session, begin, form_token, holder, key_of
from ledger_automation.values import timestamp

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
ANNA = Identity("https://issuer.example", "anna")


class Store(dict[bytes, Session]):
    """A `SessionStore` in memory."""

    def begin(self, key: bytes, session: Session) -> None:
        self[key] = session

    def of(self, key: bytes) -> Session | None:
        return self.get(key)

    def used(self, key: bytes, at: str) -> None:
        self[key] = self[key]._replace(used_at=at)

    def end(self, key: bytes) -> None:
        self.pop(key, None)

    def all_of(self, identity: Identity) -> list[Session]:
        return sorted((each for each in self.values() if each.identity == identity), key=lambda each: each.begun_at)[
            ::-1
        ]

    def end_all(self, identity: Identity) -> int:
        mine = [key for key, each in self.items() if each.identity == identity]
        for key in mine:
            del self[key]
        return len(mine)

    def purge(self, begun_before: str) -> int:
        old = [key for key, each in self.items() if each.begun_at < begun_before]
        for key in old:
            del self[key]
        return len(old)


def test_a_token_leads_to_its_holder_and_no_other_does() -> None:
    store = Store()
    token = begin(store, ANNA, NOON)
    assert holder(store, token, NOON) == (ANNA, False)
    for wrong in ("", "x", token[:-1], token + "=", token.swapcase(), "\ud800"):
        assert holder(store, wrong, NOON) is None
    assert token.encode() not in b"".join(store), "the store has a digest of it"


def test_two_sessions_share_nothing() -> None:
    store = Store()
    tokens = {begin(store, ANNA, NOON) for _ in range(100)}
    assert len(tokens) == len(store) == len({form_token(each) for each in tokens}) == 100
    assert all(len(each) == 43 for each in tokens), "256 bits in base64url"


def test_who_is_away_too_long_is_signed_out() -> None:
    store = Store()
    token = begin(store, ANNA, NOON)
    assert holder(store, token, NOON + IDLE) is not None
    assert holder(store, token, NOON + IDLE + timedelta(microseconds=1)) is None


def test_use_is_noted_once_a_minute_and_keeps_a_session_until_its_day_is_over() -> None:
    store = Store()
    token = begin(store, ANNA, NOON)
    for minutes in range(20, 600, 20):
        now = NOON + timedelta(minutes=minutes)
        assert holder(store, token, now) == (ANNA, True)
        store.used(key_of(token), timestamp(now))
        assert holder(store, token, now + timedelta(seconds=59)) == (ANNA, False)
    assert holder(store, token, NOON + LONGEST) is not None
    assert holder(store, token, NOON + LONGEST + timedelta(microseconds=1)) is None


def test_what_is_over_goes_when_somebody_comes() -> None:
    store = Store()
    begin(store, ANNA, NOON)
    begin(store, ANNA, NOON + LONGEST)
    assert len(store) == 2
    begin(store, ANNA, NOON + LONGEST + timedelta(microseconds=1))
    assert len(store) == 2
