// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {LawHarness} from "../mocks/LawHarness.sol";
import {ParkingFineLedger} from "../workflows/ParkingFineLedger.sol";
import {Office} from "./Office.sol";
import {must} from "./Vm.sol";

contract ParkingFineLaw is ParkingFineLedger, LawHarness {
    constructor(address admin, uint64 backdating) ParkingFineLedger(admin, backdating) {}
}

/// @dev Fines that are served, contested, paid, collected, dismissed and paid back, by anybody and at any moment.
contract ParkingFineHandler is Office {
    struct Book {
        bool open;
        uint256 recorder;
        uint256 amount;
        uint256 expense;
        uint256 paid;
        uint256 appealDays;
        uint256 person;
        bool heard;
        bool noticed;
        bool served;
        bool penalty;
        bool collected;
        bool dismissed;
        bool settled;
        bool refunded;
        uint256 pending; // 0 none, 1 with the authority, 2 in court
        bool decided;
        bool authorityDecided;
        uint256 appealEnds;
        uint256 courtEnds;
        uint256 penaltyStarts;
        uint256 collectionStarts;
    }

    uint256 private constant _SECOND = 1e6;
    uint256 private constant _DAY = 1 days * _SECOND;
    uint256 private constant _DISMISSED = 11;
    uint256 private constant _NO_PENALTY = 511;

    Book private _book;
    uint256 private _rules;
    uint256[18] public did;

    constructor() {
        _found(new ParkingFineLaw(address(this), uint64(BACKDATING)), "ledger-automation/parking_fine");
    }

    function begin(uint256 amount, uint256 rules, uint256 who) external {
        if (_book.open && rules >> 40 & 7 != 0) return; // a case should get somewhere before the next
        delete _cases;
        delete _book;
        amount = 1 + amount % 1e4;
        who = 1 + who % PEOPLE;
        _rules = (rules & 7) | (rules >> 8 & 31) << 3 | (rules >> 16 & 31) << 12 | (rules >> 24 & 31) << 21
            | (rules >> 3 & 3 == 0 ? _NO_PENALTY : rules >> 32 & 63) << 30 | (rules >> 5 & 63) << 39;
        _did(0, _open(0, rules & 1 == 0 ? 1 : 5, who, _one(_rules << 38 | amount << 88)));
        (_book.open, _book.recorder, _book.amount, _book.appealDays) = (true, who, amount, _rules >> 3 & 511);
    }

    function notice(uint256 what, uint256 amount, uint256 who, uint256 wait) external {
        if (!_goesOn(wait)) return;
        who = 1 + who % PEOPLE;
        amount = amount % 3e3;
        if (what % 3 == 0) {
            if (_did(1, _step(1, 1, who))) _book.heard = true;
        } else if (what % 3 == 1) {
            if (!_did(2, _step(2, 1, who, amount))) return;
            must(who != _book.person, "somebody changed his own fine");
            must(!_book.served && !_book.penalty, "FI7: the amount was changed after service");
            _book.amount = amount;
            _settle();
        } else {
            if (!_did(3, _step(3, 1, who, amount))) return;
            must(!_book.noticed, "a second notice");
            must(_rules & 1 == 0 || _book.heard, "a notice before the hearing");
            (_book.noticed, _book.expense) = (true, amount);
            _settle();
        }
    }

    function serve(uint256 early, uint256 who, uint256 wait) external {
        if (!_goesOn(wait)) return;
        uint256 terms;
        for (uint256 i = 0; i < 4; ++i) {
            uint256 length = _rules >> (i == 0 ? 3 : i == 1 ? 12 : i == 2 ? 30 : 39) & 511;
            if (i == 2 && length == _NO_PENALTY) continue;
            uint256 ends = _moment / _SECOND + length * 1 days + 1 days;
            if (early >> (8 * i) & 31 == 0) ends -= (early >> (8 * i + 5) & 7) * 12 hours;
            terms |= ends << 40 * i;
        }
        if (!_did(4, _step(4, 5, 1 + who % PEOPLE, terms))) return;
        must(_book.noticed && !_book.served, "served without a notice, or twice");
        _book.served = true;
        must(uint40(terms) * _SECOND + 1 hours * _SECOND >= _moment + _book.appealDays * _DAY, "FI8: too short a term");
        // What was withdrawn or decided before stays over.
        if (_book.appealEnds == 0) {
            _book.appealEnds = uint40(terms) * _SECOND;
            _book.courtEnds = uint40(terms >> 40) * _SECOND;
        }
        _book.penaltyStarts = uint40(terms >> 80) * _SECOND;
        _book.collectionStarts = uint40(terms >> 120) * _SECOND;
    }

    /// @dev Whom the fine concerns, or anybody who says so.
    function _asPerson(uint256 who) private view returns (uint256) {
        return who >> 128 & 1 == 1 && _book.person != 0 ? _book.person : 1 + who % PEOPLE;
    }

    /// @dev Also at the last moment of the term and at the first one after it.
    function appeal(bool court, uint256 edge, uint256 who, uint256 wait) external {
        if (!_goesOn(wait)) return;
        uint256 ends = court ? _book.courtEnds : _book.appealEnds;
        if (edge % 4 < 2 && ends > _moment) _pass(ends - _moment - edge % 2);
        bool before = _rules & 2 != 0;
        bool direct = _rules & 4 != 0;
        bool timely = ends == 0 || _moment < ends;
        bool lawful = _running() && !_book.collected && _book.pending == 0 && timely
            && (_book.noticed || before) && (!court || direct || _book.authorityDecided);
        who = _asPerson(who);
        lawful = lawful && (_book.person == 0 || _book.person == who);
        bool taken = _did(court ? 6 : 5, _step(court ? 6 : 5, 0, who));
        must(taken == lawful, "FI4: an appeal in time was refused, or one that was late taken");
        if (taken) (_book.pending, _book.decided, _book.person) = (court ? 2 : 1, false, who);
    }

    function treat(uint256 what, uint256 dismiss, uint256 who, uint256 wait) external {
        if (!_goesOn(wait)) return;
        what = what % 4;
        who = what == 3 ? _asPerson(who) : 1 + who % PEOPLE;
        bool done;
        if (what == 1) {
            done = _did(8, _step(8, 2, who, dismiss % 4 == 0 ? 1 : dismiss % 16 == 1 ? 2 : 0));
        } else if (what == 2) {
            uint256 length = _rules >> 21 & 511;
            uint256 ends = _moment / _SECOND + length * 1 days + 1 days - (dismiss % 8 == 0 ? dismiss % 4 days : 0);
            done = _did(9, _book.pending == 2 ? _step(9, 1, who) : _step(9, 1, who, ends));
            if (done && _book.pending == 1) {
                must(ends + 1 hours >= _moment / _SECOND + length * 1 days, "FI8: too short a way to the court");
            }
            if (done) _close(_book.pending == 2 ? _moment / _SECOND * _SECOND : ends * _SECOND);
        } else {
            done = what == 0 ? _did(7, _step(7, 1, who)) : _did(10, _step(10, 0, who));
            if (done && what == 3) _close(_moment / _SECOND * _SECOND);
        }
        if (!done) return;
        must(_book.pending != 0 || what > 1, "an appeal that there is not was treated");
        must(what != 0 || who != _book.person, "somebody forwarded his own appeal");
        must(what != 3 || who == _book.person, "somebody withdrew another's appeal");
        if (what == 1) {
            _mustBeOthers(who);
            must(!_book.decided, "an appeal was decided twice");
            (_book.decided, _book.dismissed) = (true, dismiss % 4 == 0);
        }
    }

    function enforce(uint256 what, uint256 amount, uint256 edge, uint256 who, uint256 wait) external {
        if (!_goesOn(wait)) return;
        who = 1 + who % PEOPLE;
        uint256 starts = what % 4 == 0 ? _book.penaltyStarts : _book.collectionStarts;
        if (edge % 4 < 2 && starts > _moment) _pass(starts - _moment - edge % 2);
        if (what % 4 == 0) {
            uint256 penalty = _book.amount + amount % 1e3 - (amount % 3 == 0 ? 1 : 0);
            if (!_did(11, _step(11, 5, who, penalty))) return;
            must(_book.pending == 0, "FI5: an appeal did not suspend the penalty");
            must(_book.served && _moment >= starts && starts != 0, "FI6: a penalty before its day");
            must(!_book.penalty && penalty >= _book.amount, "a second penalty, or a lower amount");
            (_book.amount, _book.penalty) = (penalty, true);
        } else if (what % 4 == 1) {
            if (!_did(13, _step(13, 3, who))) return;
            must(_book.pending == 0, "FI5: an appeal did not suspend collection");
            must(_book.served && _moment >= starts, "FI6: collected before its day");
            must(!_book.authorityDecided || _moment >= _book.courtEnds, "FI6: collected before the way to the court");
            _book.collected = true;
        } else if (what % 4 == 2) {
            if (!_did(15, _step(15, 3, who))) return;
            must(who != _book.person, "somebody gave up his own fine");
            (_book.settled, _book.refunded) = (true, true);
        } else if (edge % 4 == 3) {
            if (!_did(16, _step(16, 2, who))) return;
            _mustBeOthers(who);
            _book.dismissed = true;
        }
    }

    function pay(uint256 amount, uint256 who, uint256 wait) external {
        if (!_goesOn(wait)) return;
        amount = amount % 4 == 0 ? amount % 5e3 : amount % 4 == 1 ? amount % 2 ** 54 : _due() - _min(_book.paid, _due());
        uint256 action = _book.collected ? 14 : 12;
        bool lawful = _running() && amount != 0 && amount < 2 ** 53;
        bool taken = _did(action, _step(action, 3, 1 + who % PEOPLE, amount));
        must(taken == lawful, "FI1, FI3: paid twice, or after the end; or a lawful payment was refused");
        if (!taken) return;
        _book.paid += amount;
        _settle();
    }

    function refund(uint256 amount, uint256 who, uint256 wait) external {
        if (!_goesOn(wait)) return;
        uint256 due = _book.dismissed ? 0 : _due();
        uint256 over = _book.paid > due ? _book.paid - due : 0;
        amount = amount % 3 == 0 ? amount % (over + 2) : over;
        bool taken = _did(17, _step(17, 3, 1 + who % PEOPLE, amount));
        if (!taken) return;
        must(amount == over && over != 0 && !_book.refunded, "FI3: another refund than one, of what was overpaid");
        (_book.paid, _book.refunded) = (_book.paid - amount, true);
    }

    /// @dev FI1, FI2: settled means paid, to the cent; and the head commits to the amounts of the book.
    function addsUp() external view {
        if (!_book.open) return;
        uint256 word = _cases[_current].facts[1];
        must((word >> 88 & 2 ** 53 - 1) == _book.amount, "another amount");
        must((word >> 144 & 2 ** 53 - 1) == _book.expense, "another expense");
        must(word >> 200 == _book.paid, "another sum of payments");
        uint256 state = _cases[_current].state;
        must(state != 9 || _book.paid == _due(), "settled, and not exactly paid");
        must(state != 10 || _book.paid > _due(), "overpaid, and not paid beyond what is due");
        must((state == _DISMISSED) == _book.dismissed, "dismissed, or not");
        must(state > 8 || _book.paid < _due(), "open, and paid");
    }

    function _mustBeOthers(uint256 who) private view {
        must(who != _book.recorder && who != _book.person, "somebody decided in his own case");
    }

    function _close(uint256 courtEnds) private {
        if (_book.served || !_book.dismissed) _noteClosed(courtEnds);
    }

    function _noteClosed(uint256 courtEnds) private {
        uint256 moments = _cases[_current].facts.length > 2 ? _cases[_current].facts[2] : 0;
        // What a decision closes: neither way is open any more but the one to the court, for its term.
        must(uint40(moments >> 40) * _SECOND == courtEnds, "another end of the way to the court");
        (_book.appealEnds, _book.courtEnds) = (uint40(moments) * _SECOND, courtEnds);
        must(_book.appealEnds <= _moment, "an appeal to the authority is still possible");
        if (_book.decided) _book.authorityDecided = true;
        (_book.pending, _book.decided) = (0, false);
    }

    function _settle() private {
        if (_book.paid >= _due()) _book.settled = true;
    }

    function _running() private view returns (bool) {
        return _book.open && !_book.settled && !_book.dismissed;
    }

    function _due() private view returns (uint256) {
        return _book.amount + _book.expense;
    }

    function _min(uint256 one, uint256 other) private pure returns (uint256) {
        return one < other ? one : other;
    }

    /// @dev After the end nothing is done but paying back.
    function _did(uint256 action, bool done) private returns (bool) {
        if (!done) return false;
        must(action == 17 || _running() || action == 0, "something was done after the end");
        ++did[action];
        return true;
    }

    function _goesOn(uint256 wait) private returns (bool) {
        _pass(wait % 8 == 0 ? wait % 40 days * _SECOND : wait % 1 days * 1e3);
        return _book.open;
    }
}

contract ParkingFineTest {
    ParkingFineHandler private _handler;

    function setUp() external {
        _handler = new ParkingFineHandler();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_handler);
    }

    function invariant_nobody_pays_more_than_is_due() external view {
        _handler.standFast();
        _handler.addsUp();
    }

    /// @dev What shows nothing would also pass: a seeded walk must take every action there is.
    function test_a_walk_takes_every_action() external {
        for (uint256 i = 0; i < 12_000; ++i) {
            (uint256 a, uint256 b, uint256 c, uint256 d, uint256 e) =
                (_draw(i, 0), _draw(i, 1), _draw(i, 2), _draw(i, 3), _draw(i, 4));
            uint256 what = a % 16;
            a >>= 8;
            if (what < 3) _handler.begin(a, b, c);
            else if (what < 6) _handler.notice(a, b, c, d);
            else if (what < 8) _handler.serve(a, b, c);
            else if (what < 10) _handler.appeal(a & 1 == 0, b, c, d);
            else if (what < 12) _handler.treat(a, b, c, d);
            else if (what < 14) _handler.enforce(a, b, c, d, e);
            else if (what < 15) _handler.pay(a, b, c);
            else _handler.refund(a, b, c);
            _handler.addsUp();
        }
        for (uint256 action = 0; action < 18; ++action) {
            must(_handler.did(action) != 0, string.concat("never taken: ", string(abi.encodePacked(uint8(65 + action)))));
        }
    }

    function _draw(uint256 i, uint256 j) private pure returns (uint256) {
        return uint256(keccak256(abi.encode(i, j)));
    }
}
