// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {LawHarness} from "../mocks/LawHarness.sol";
import {SubsidyLedger} from "../workflows/SubsidyLedger.sol";
import {Office} from "./Office.sol";
import {must} from "./Vm.sol";

contract SubsidyLaw is SubsidyLedger, LawHarness {
    constructor(address admin, uint64 backdating) SubsidyLedger(admin, backdating) {}
}

/// @dev Grants and their tranches, in any order, by anybody. The book is kept from what was asked and taken, never from
/// what the contract remembers.
contract SubsidyHandler is Office {
    enum Stage {
        None,
        Requested,
        Approved,
        Returned,
        Paid
    }

    struct TrancheBook {
        Stage stage;
        uint256 amount;
        uint256 payee;
        uint256 requester;
        uint256 approver;
        uint256 expenditure;
        uint256 payments;
        uint256 asked;
        uint256 repaid;
        uint256 useEnds;
        bool unproven;
        bool accepted;
    }

    struct Book {
        uint256 granted;
        uint256 disbursed;
        uint256 cancelled;
        uint256 rate;
        uint256 cap;
        uint256 advance;
        uint256 own;
        bool ownFirst;
        uint256 starts;
        uint256 ends;
        uint256 conditionFrom;
        bool finalProof;
        bool over;
    }

    uint256 private constant _TRANCHES = 4;
    uint256 private constant _QUARTER = 15 minutes * 1e6;
    uint256 private constant _CONDITION = 0xc0ffee;
    uint256 private constant _KIND = 0x6b;
    uint256 private constant _WEEKS = 6;
    uint256 private constant _LAST = 24;

    Book private _book;
    uint256 private _applicant;
    uint256 private _appliedBy;
    mapping(uint256 number => TrancheBook) private _tranche;

    /// @dev How often each action was taken, so that a test can tell that none was left out.
    uint256[_LAST + 1] public did;

    constructor() {
        _found(new SubsidyLaw(address(this), uint64(BACKDATING)), "ledger-automation/subsidy");
    }

    /// @dev A new case, up to its grant; each step is tried by whoever comes, so some end before.
    function begin(uint256 amount, uint256 rate, uint256 advance, uint256 flags, uint256 who) external {
        if (_book.granted != 0 && flags >> 40 & 15 != 0) return; // a case should get somewhere before the next
        _forget();
        uint256 rules = 6_500 << 208 | 9_000 << 222 | _WEEKS << 236 | (flags & 0x1f) << 246;
        uint256[] memory opening = _one(rules);
        _did(0, _open(0, 1, 1, _two(opening[0], _KIND)));
        uint256 planned = 1 + amount % 1e6;
        uint256 own = flags >> 8 & 1 == 1 ? planned / 10 : 0;
        uint256 applicant = 1 + who % PEOPLE;
        uint256 application = own | planned << 56 | applicant << 112 | _KIND << 144 | planned << 192
            | (flags >> 5 & 1) << 254 | 1 << 255;
        if (_did(1, _step(1, 0, 1 + (who >> 8) % PEOPLE, application))) {
            (_applicant, _appliedBy) = (applicant, 1 + (who >> 8) % PEOPLE);
        }
        if (flags >> 6 & 1 == 1) _did(2, _step(2, 1, 1 + (who >> 16) % PEOPLE));
        if (flags >> 7 & 1 == 1) _did(5, _step(5, 1, 2));
        if (flags >> 11 & 3 == 0) _detour(flags, who);
        _grant(planned, amount >> 128, rate, advance, flags, 1 + (who >> 24) % PEOPLE);
        if (_book.granted != 0) (_book.own, _book.ownFirst) = (own, flags >> 4 & 1 == 1);
    }

    /// @dev The application goes back and comes again, or is refused, or withdrawn.
    function _detour(uint256 flags, uint256 who) private {
        uint256 way = flags >> 14 & 3;
        if (way == 0) {
            uint256 withdraws = _asApplicant(who >> 32);
            if (_did(4, _step(4, 0, withdraws))) _mustBeOwn(withdraws);
        }
        else if (way == 1) _did(7, _step(7, 2, 1 + (who >> 32) % PEOPLE));
        else _did(3, _step(3, 1, 1 + (who >> 32) % PEOPLE));
    }

    function _grant(uint256 planned, uint256 noise, uint256 rate, uint256 advance, uint256 flags, uint256 who) private {
        uint256 cap = flags >> 5 & 1 == 1 ? 9_000 : 6_500;
        rate = rate % (cap + 100);
        uint256 most = (planned * rate + 5_000) / 10_000;
        uint256 amount = flags >> 9 & 1 == 1 ? most : noise % (most + 2);
        advance = flags >> 10 & 1 == 1 ? amount : advance % (amount + 1);
        uint256 today = _moment / _QUARTER;
        (uint256 starts, uint256 ends) = flags >> 16 & 3 == 0
            ? (today + (flags >> 18) % 200, today + (flags >> 18) % 40_000)
            : (uint256(0), uint256(0));
        uint256[] memory arguments = new uint256[](flags >> 19 & 1 == 1 ? 2 : 1);
        arguments[0] = amount | advance << 56 | starts << 112 | ends << 144 | rate << 176;
        if (arguments.length == 2) arguments[1] = 2 << 16 | _CONDITION << 32; // from tranche 2 on
        if (!_did(6, _step(6, 2, who, arguments))) return;
        must(rate <= cap && amount <= most && amount != 0, "more was granted than the programme allows");
        _book = Book(amount, 0, 0, rate, cap, advance, 0, false, starts, ends, arguments.length * 2 - 2, false, false);
    }

    function meet(uint256 condition, uint256 wait) external {
        _wait(wait);
        if (!_try(8, 1, 1 + wait % PEOPLE, condition % 3 == 0 ? condition % 100 : _CONDITION)) return;
        _mustBeOthers(1 + wait % PEOPLE);
        _book.conditionFrom = 0;
    }

    function request(uint256 number, uint256 amount, uint256 payee, uint256 who, uint256 wait) external {
        _wait(wait);
        (number, who, payee) = (number % (_TRANCHES + 1), _asApplicant(who), 1 + payee % (PEOPLE + 2));
        uint256 spent = amount >> 64 & 1 == 1 ? (amount >> 65) % 1e6 : 0;
        amount = amount >> 250 == 0 ? amount & 2 ** 56 - 1 : amount % (_left() + 2);
        if (!_try(9, 0, who, number | amount << 16 | payee << 72 | spent << 104)) return;
        _mustBeOwn(who);
        TrancheBook storage tranche = _tranche[number];
        must(tranche.stage == Stage.None || tranche.stage == Stage.Returned, "a tranche was requested twice");
        _mustBeInPeriod();
        (uint256 payments, uint256 asked) = (tranche.payments, tranche.asked);
        _tranche[number] = TrancheBook(
            Stage.Requested, amount, payee, who, 0, spent, payments, asked, 0, 0, false, false
        );
        must(_waiting() <= _left(), "more waits than is left of the grant");
    }

    /// @dev Endorse, return, approve.
    function treat(uint256 number, uint256 who, uint256 what, uint256 wait) external {
        _wait(wait);
        (number, who) = (number % (_TRANCHES + 1), 1 + who % PEOPLE);
        TrancheBook storage tranche = _tranche[number];
        if (what % 4 == 0) {
            if (!_try(10, 1, who, number)) return;
            must(tranche.stage == Stage.Requested, "endorsed out of order");
            _mustBeOthers(who);
        } else if (what % 8 == 1) {
            if (!_try(11, what % 3, who, number)) return;
            if (what % 3 == 0) _mustBeOwn(who);
            must(tranche.stage == Stage.Requested || tranche.stage == Stage.Approved, "returned out of order");
            (tranche.stage, tranche.expenditure, tranche.amount) = (Stage.Returned, 0, 0);
        } else {
            if (!_try(12, 2, who, number)) return;
            must(tranche.stage == Stage.Requested, "approved out of order");
            must(who != tranche.requester && who != tranche.payee, "who asks or receives approved");
            _mustBeOthers(who);
            _mustHaveMet(number);
            (tranche.stage, tranche.approver) = (Stage.Approved, who);
        }
    }

    function disburse(uint256 number, uint256 who, uint256 ends, uint256 wait) external {
        _wait(wait);
        (number, who) = (number % (_TRANCHES + 1), 1 + who % PEOPLE);
        ends = (_moment + _WEEKS * 1 weeks * 1e6 + (ends % 8 == 0 ? ends % 3 days : ends % 1 days) * 1e6) / _QUARTER;
        if (!_try(13, 3, who, number | ends << 16)) return;
        TrancheBook storage tranche = _tranche[number];
        must(tranche.stage == Stage.Approved, "paid out of order");
        must(++tranche.payments == 1, "a tranche was paid twice");
        must(who != tranche.requester && who != tranche.approver && who != tranche.payee, "one person did two parts");
        must(who != _applicant && who != _appliedBy, "one person did two parts");
        _mustHaveMet(number);
        _mustBeInPeriod();
        _mustHaveProvenEarlier();
        must(ends * _QUARTER >= _moment + _WEEKS * 1 weeks * 1e6 - 1 hours * 1e6, "too short a term of use");
        _book.disbursed += tranche.amount;
        must(_book.disbursed <= _book.granted - _book.cancelled, "more was paid than granted");
        must(_book.disbursed <= _ceiling(), "more was paid than the rate of what is proven, and the advance");
        (tranche.stage, tranche.useEnds, tranche.unproven) = (Stage.Paid, ends * _QUARTER, true);
    }

    /// @dev Prove, accept, ask back, pay back.
    function settle(uint256 number, uint256 who, uint256 amount, uint256 what, uint256 wait) external {
        _wait(wait);
        (number, who) = (number % (_TRANCHES + 1), what % 4 == 0 ? _asApplicant(who) : 1 + who % PEOPLE);
        TrancheBook storage tranche = _tranche[number];
        amount = amount % 4 == 0 ? amount % 1e6 : amount % (tranche.amount + 2);
        if (what % 4 == 0) {
            if (!_try(14, 0, who, number | amount << 16)) return;
            must(tranche.stage == Stage.Paid && tranche.asked == 0 && !tranche.accepted, "proven out of order");
            _mustBeOwn(who);
            (tranche.unproven, tranche.expenditure) = (false, tranche.expenditure + amount);
        } else if (what % 4 == 1) {
            if (!_try(15, 4, who, number)) return;
            must(tranche.stage == Stage.Paid && !tranche.unproven && tranche.asked == 0, "accepted out of order");
            must(who != tranche.requester, "who asked accepted");
            _mustBeOthers(who);
            tranche.accepted = true;
        } else if (what % 4 == 2) {
            if (!_try(23, what % 8 < 4 ? 2 : 4, who, number | amount << 16)) return;
            _mustBeOthers(who);
            (tranche.asked, tranche.unproven) = (tranche.asked + amount, false);
            must(tranche.stage == Stage.Paid && tranche.asked <= tranche.amount, "more was asked back than paid");
        } else {
            if (!_try(24, 3, who, number | amount << 16)) return;
            must((tranche.repaid += amount) <= tranche.asked, "more came back than was asked back");
        }
    }

    /// @dev Change the rate, reduce, cancel.
    function administer(uint256 amount, uint256 who, uint256 what, uint256 wait) external {
        _wait(wait);
        who = 1 + who % PEOPLE;
        if (what % 4 < 2) {
            uint256 rate = amount % (_book.cap + 2);
            if (!_try(16, 2, who, rate)) return;
            must(rate <= _book.cap, "a rate above the programme's");
            _mustBeOthers(who);
            _book.rate = rate;
        } else {
            bool all = what % 8 == 2;
            uint256 rest = _left();
            amount = all ? rest : amount % 3 == 0 ? amount % (rest + 2) : amount % (rest / 10 + 2);
            if (!(all ? _try(18, 2, who) : _try(17, 2, who, amount))) return;
            must(_waiting() == 0 && amount <= rest && amount != 0, "what is not open was cancelled");
            _mustBeOthers(who);
            _book.cancelled += amount;
        }
    }

    /// @dev The final proof, and the end.
    function end(uint256 who, uint256 what, uint256 more, uint256 wait) external {
        _wait(wait);
        who = what % 4 == 0 ? _asApplicant(who) : 1 + who % PEOPLE;
        if (what % 4 == 0) {
            uint256 spent = _proven() + more % 3;
            if (!_try(19, 0, who, (spent + (more % 5 == 0 ? 1 : 0)) | spent << 64)) return;
            must(_waiting() == 0 && _unproven() == 0 && !_book.finalProof, "a final proof before its time");
            _mustBeOwn(who);
            _book.finalProof = true;
        } else if (what % 4 == 1) {
            if (!_try(20, 4, who)) return;
            _mustBeOthers(who);
            _book.finalProof = false;
        } else if (what % 8 != 7 || more % 4 == 0) {
            bool close = what % 4 != 3;
            if (!(close ? _try(21, 4, who) : _try(22, 2, who))) return;
            must(!close || _book.finalProof, "closed without a final proof");
            _mustBeOthers(who);
            (_book.over, _book.cancelled) = (true, _book.granted - _book.disbursed);
        }
    }

    /// @dev TR8, and that the head commits to the very amounts of the book.
    function addsUp() external view {
        if (_book.granted == 0) return;
        uint256 money = _cases[_current].facts[1];
        (uint256 open, uint256 cancelled, uint256 disbursed) =
            (uint56(money), uint56(money >> 56), uint56(money >> 112));
        must(open + cancelled + disbursed == _book.granted, "the grant does not add up to the cent");
        must(cancelled == _book.cancelled && disbursed == _book.disbursed, "other amounts than those of the book");
        must(uint64(money >> 168) == _proven() && (money >> 232 & 0x3fff) == _book.rate, "another rate, another proof");
        uint256 paid;
        for (uint256 number = 1; number <= _TRANCHES; ++number) {
            if (_tranche[number].stage == Stage.Paid) paid += _tranche[number].amount;
            must(_tranche[number].asked <= _tranche[number].amount, "more is asked back than was paid");
        }
        must(paid == _book.disbursed, "the tranches paid are not what was disbursed");
    }

    function _try(uint256 action, uint256 role, uint256 who, uint256 argument) private returns (bool) {
        return _cases.length != 0 && _did(action, _step(action, role, who, argument));
    }

    function _try(uint256 action, uint256 role, uint256 who) private returns (bool) {
        return _cases.length != 0 && _did(action, _step(action, role, who));
    }

    /// @dev TR7: after closure and revocation nothing but reclaim and repayment.
    function _did(uint256 action, bool done) private returns (bool) {
        if (!done) return false;
        must(!_book.over || action > 22, "something was done after the end");
        must(!_book.finalProof || action > 19, "something was done after the final proof");
        must(action < 8 || _book.granted != 0, "something was done before the grant");
        ++did[action];
        return true;
    }

    /// @dev Who handed the application in, or anybody who says so.
    function _asApplicant(uint256 who) private view returns (uint256) {
        return who >> 128 & 3 != 0 && _appliedBy != 0 ? _appliedBy : 1 + who % PEOPLE;
    }

    function _mustBeOwn(uint256 who) private view {
        must(who == _applicant || who == _appliedBy, "somebody acted as applicant in another's case");
    }

    function _mustBeOthers(uint256 who) private view {
        must(who != _applicant && who != _appliedBy, "somebody decided in his own case");
    }

    function _mustHaveMet(uint256 number) private view {
        must(_book.conditionFrom == 0 || number < _book.conditionFrom, "a condition is open");
    }

    function _mustBeInPeriod() private view {
        must(_moment >= _book.starts * _QUARTER, "before the period");
        must(_book.ends == 0 || _moment < _book.ends * _QUARTER, "after the period");
    }

    function _mustHaveProvenEarlier() private view {
        for (uint256 number = 1; number <= _TRANCHES; ++number) {
            TrancheBook storage tranche = _tranche[number];
            must(!tranche.unproven || _moment < tranche.useEnds, "paid though an earlier use is unproven");
        }
    }

    /// @dev TR5: the advance, and what is proven, pro rata or above the own funds.
    function _ceiling() private view returns (uint256) {
        uint256 proven = _proven();
        if (_book.ownFirst) return _book.advance + (proven > _book.own ? proven - _book.own : 0);
        return _book.advance + (proven * _book.rate + 5_000) / 10_000;
    }

    function _proven() private view returns (uint256 sum) {
        for (uint256 number = 1; number <= _TRANCHES; ++number) {
            sum += _tranche[number].expenditure;
        }
    }

    function _waiting() private view returns (uint256 sum) {
        for (uint256 number = 1; number <= _TRANCHES; ++number) {
            Stage stage = _tranche[number].stage;
            if (stage == Stage.Requested || stage == Stage.Approved) sum += _tranche[number].amount;
        }
    }

    function _unproven() private view returns (uint256 tranches) {
        for (uint256 number = 1; number <= _TRANCHES; ++number) {
            if (_tranche[number].unproven) ++tranches;
        }
    }

    function _left() private view returns (uint256) {
        return _book.granted - _book.cancelled - _book.disbursed;
    }

    function _wait(uint256 wait) private {
        _pass(wait % 32 == 0 ? wait % 90 days * 1e6 : wait % 1 days * 1e3);
    }

    function _forget() private {
        delete _cases;
        delete _book;
        (_applicant, _appliedBy) = (0, 0);
        for (uint256 number = 0; number <= _TRANCHES; ++number) {
            delete _tranche[number];
        }
    }

    function _two(uint256 one, uint256 other) private pure returns (uint256[] memory arguments) {
        arguments = new uint256[](2);
        (arguments[0], arguments[1]) = (one, other);
    }
}

contract SubsidyTest {
    SubsidyHandler private _handler;

    function setUp() external {
        _handler = new SubsidyHandler();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_handler);
    }

    function invariant_public_money_adds_up() external view {
        _handler.standFast();
        _handler.addsUp();
    }

    /// @dev What shows nothing would also pass: a seeded walk must take every action there is.
    function test_a_walk_takes_every_action() external {
        for (uint256 i = 0; i < 60_000; ++i) {
            (uint256 a, uint256 b, uint256 c, uint256 d, uint256 e) =
                (_draw(i, 0), _draw(i, 1), _draw(i, 2), _draw(i, 3), _draw(i, 4));
            uint256 what = a % 64;
            a >>= 8;
            if (what < 3) _handler.begin(a, b, c, d, e);
            else if (what < 5) _handler.meet(a, b);
            else if (what < 16) _handler.request(a, b, c, d, e);
            else if (what < 30) _handler.treat(a, b, c, d);
            else if (what < 40) _handler.disburse(a, b, c, d);
            else if (what < 56) _handler.settle(a, b, c, d, e);
            else if (what < 59) _handler.administer(a, b, c, d);
            else if (what < 62) _handler.end(a, b, c, d);
            _handler.addsUp();
        }
        for (uint256 action = 0; action < 25; ++action) {
            must(_handler.did(action) != 0, string.concat("never taken: ", string(abi.encodePacked(uint8(65 + action)))));
        }
    }

    function _draw(uint256 i, uint256 j) private pure returns (uint256) {
        return uint256(keccak256(abi.encode(i, j)));
    }
}
