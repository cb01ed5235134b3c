// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {CaseLedger} from "../CaseLedger.sol";
import {Terms} from "../interfaces/ICaseLedger.sol";
import {Member} from "../interfaces/IMembers.sol";
import {Words} from "../libraries/Words.sol";
import {AppealLaw} from "./parking_fine/AppealLaw.sol";
import "./parking_fine/Numbers.sol";

/// @title The law of the parking fine on chain; the same table as `workflows/parking_fine` in Python
/// @notice Errors stand in {IParkingFineLedger}, numbers in `parking_fine/Numbers.sol`, terms and appeals in
/// {AppealLaw}. What was served and contested decides the rung, what was paid decides whether the case has ended.
/// @dev The state says what is pending and how a case ended, so the facts need not: a word of rules and money, and,
/// from the first appeal or service on, a word of moments and of whom the fine concerns. No plate and no name anywhere (FI9).
contract ParkingFineLedger is CaseLedger, AppealLaw {
    using Words for uint256;

    // Bit n for action n: those that take no arguments.
    uint256 private constant _BARE = 1 << SEND_HEARING | 1 << APPEAL_TO_AUTHORITY | 1 << APPEAL_TO_COURT
        | 1 << FORWARD_APPEAL | 1 << WITHDRAW_APPEAL | 1 << SEND_TO_COLLECTION | 1 << WRITE_OFF | 1 << CANCEL_FINE;

    // A row: sources << 8 | roles. Bit n of sources is state n.
    uint256 private constant _OPEN = 0x00fe_22;
    uint256 private constant _APPEAL = 0x003e_01;

    /// @param admin Who seats members.
    /// @param backdating How many seconds a step may lie before its block.
    constructor(address admin, uint64 backdating) CaseLedger(admin, backdating, "ledger-automation/parking_fine") {}

    /// @inheritdoc CaseLedger
    function _row(uint256 action) internal pure override returns (uint256) {
        unchecked {
            if (action < 10) {
                return (0x0001_22 // record_fine
                        | 0x0002_22 << 24 // send_hearing
                        | 0x00fe_02 << 48 // correct_amount
                        | _OPEN << 72 // send_notice
                        | _OPEN << 96 // record_service
                        | _APPEAL << 120 // appeal_to_authority
                        | _APPEAL << 144 // appeal_to_court
                        | 0x00c0_02 << 168 // forward_appeal
                        | 0x00c0_04 << 192 // decide_appeal
                        | 0x00c0_22 << 216) >> 24 * action; // serve_decision
            }
            return (0x00c0_01 // withdraw_appeal
                    | 0x0030_20 << 24 // add_penalty
                    | 0x00fe_08 << 48 // record_payment
                    | 0x0030_28 << 72 // send_to_collection
                    | 0x0100_08 << 96 // record_collected
                    | 0x0100_08 << 120 // write_off
                    | 0x00fe_04 << 144 // cancel_fine
                    | 0x0c00_08 << 168) >> 24 * (action - 10); // refund
        }
    }

    /// @inheritdoc CaseLedger
    function _apply(Terms terms, uint8 state, uint256[] memory facts, uint256[] calldata arguments)
        internal
        pure
        override
        returns (uint8, uint256[] memory)
    {
        uint256 action = terms.action();
        if (arguments.length != 0 && _BARE >> action & 1 == 1) revert WrongArguments(action, arguments.length);
        // Nothing vouches for facts that were brought along for a case that is not open.
        if (action == RECORD_FINE) return (RECORDED, _record(terms.member(), _only(action, arguments)));
        uint256 word = facts[1];
        if (action < RECORD_SERVICE) {
            if (action == CORRECT_AMOUNT) _requireNotConcerned(terms.member(), _moments(facts));
            (state, word) = _notice(action, state, word, arguments);
        } else if (action < FORWARD_APPEAL) {
            if (action == RECORD_SERVICE) {
                facts = _serve(terms.moment(), word, facts, _only(action, arguments));
                return (state < APPEALED_TO_AUTHORITY ? NOTIFIED : state, facts);
            }
            _requireOwn(terms.member(), _moments(facts));
            _requireAppeal(action, terms.moment(), state, word, _moments(facts));
            state = action == APPEAL_TO_COURT ? APPEALED_TO_COURT : APPEALED_TO_AUTHORITY;
            return (state, _appeal(terms.member(), word, facts));
        } else if (action < ADD_PENALTY) {
            if (action == FORWARD_APPEAL) {
                _requireNotConcerned(terms.member(), _moments(facts));
                word = _forward(word);
            } else if (action == DECIDE_APPEAL) {
                (state, word) = _decide(terms.member(), state, word, _moments(facts), _only(action, arguments));
            } else {
                facts = action == SERVE_DECISION
                    ? _serveDecision(terms.moment(), state, word, facts, arguments)
                    : _withdraw(terms, word, facts);
                return (uint8(word.get(RUNG, RUNG_BITS)), facts);
            }
        } else {
            (state, word) = _enforce(terms, action, state, word, facts, arguments);
        }
        facts[1] = word;
        return (state, facts);
    }

    function _record(Member member, uint256 given) private pure returns (uint256[] memory facts) {
        if (given & ~OPENING != 0 || given.get(AMOUNT, CENTS_BITS) == 0) revert ArgumentOutOfRange(0, given);
        facts = new uint256[](2);
        facts[1] = given | Member.unwrap(member) | uint256(RECORDED) << RUNG;
    }

    function _notice(uint256 action, uint8 state, uint256 word, uint256[] calldata arguments)
        private
        pure
        returns (uint8, uint256)
    {
        if (action == SEND_HEARING) return (HEARING_SENT, word.set(RUNG, RUNG_BITS, HEARING_SENT));
        uint256 rung = word.get(RUNG, RUNG_BITS);
        if (action == CORRECT_AMOUNT) {
            if (rung > NOTICE_SENT) revert AmountFixedAfterService(rung);
            word = word.set(AMOUNT, CENTS_BITS, _amount(action, arguments));
            return (_standing(state, word), word);
        }
        if (rung > HEARING_SENT) revert NoticeSentOnce(rung);
        if (word.flag(HEARING_REQUIRED) && rung == RECORDED) revert HearingFirst();
        uint256 expense = _only(action, arguments);
        if (expense >> CENTS_BITS != 0) revert ArgumentOutOfRange(0, expense);
        word = word.set(RUNG, RUNG_BITS, NOTICE_SENT) | expense << EXPENSE;
        return (state < APPEALED_TO_AUTHORITY ? NOTICE_SENT : state, word);
    }

    function _enforce(
        Terms terms,
        uint256 action,
        uint8 state,
        uint256 word,
        uint256[] memory facts,
        uint256[] calldata arguments
    ) private pure returns (uint8, uint256) {
        if (action == RECORD_PAYMENT || action == RECORD_COLLECTED) {
            unchecked {
                // What was paid is less than what is due, so that the sum has its place.
                word += _amount(action, arguments) << PAID;
            }
            return (_standing(state, word), word);
        }
        if (action == REFUND) return _refund(state, word, _amount(action, arguments));
        if (action == ADD_PENALTY) {
            return (PENALTY_ADDED, _penalised(terms.moment(), word, _moments(facts), _amount(action, arguments)));
        }
        if (action == SEND_TO_COLLECTION) {
            _requireCollection(terms.moment(), word, _moments(facts));
            return (IN_COLLECTION, word);
        }
        if (action == WRITE_OFF) {
            _requireNotConcerned(terms.member(), _moments(facts));
            return (WRITTEN_OFF, word);
        }
        _requireNotOwn(terms.member(), word, _moments(facts));
        return (DISMISSED, word);
    }

    function _refund(uint8 state, uint256 word, uint256 refund) private pure returns (uint8, uint256) {
        uint256 due = state == DISMISSED ? 0 : _due(word);
        uint256 paid = word >> PAID;
        uint256 overpaid = paid > due ? paid - due : 0;
        if (refund != overpaid) revert RefundIsWhatWasOverpaid(refund, overpaid);
        return (state == DISMISSED ? DISMISSED : SETTLED, word - (refund << PAID));
    }

    function _penalised(uint256 moment, uint256 word, uint256 moments, uint256 penalty)
        private
        pure
        returns (uint256)
    {
        if (word.get(PENALTY_DAYS, DAYS_BITS) == NO_PENALTY) revert NoPenaltyInTheseRules();
        if (word.get(RUNG, RUNG_BITS) == PENALTY_ADDED) revert PenaltyOnce();
        uint256 starts = _moment(moments, PENALTY_STARTS);
        if (starts == 0 || moment < starts) revert PenaltyTooEarly(moment, starts);
        uint256 amount = word.get(AMOUNT, CENTS_BITS);
        if (penalty < amount) revert PenaltyBelowAmount(penalty, amount);
        return word.set(RUNG, RUNG_BITS, PENALTY_ADDED).set(AMOUNT, CENTS_BITS, penalty);
    }

    function _requireCollection(uint256 moment, uint256 word, uint256 moments) private pure {
        uint256 starts = _moment(moments, COLLECTION_STARTS);
        uint256 courtEnds = _moment(moments, COURT_ENDS);
        if (starts == 0 || moment < starts || (word.flag(AUTHORITY_DECIDED) && moment < courtEnds)) {
            revert CollectionTooEarly(moment, starts, courtEnds);
        }
    }

    function _amount(uint256 action, uint256[] calldata arguments) private pure returns (uint256 cents) {
        cents = _only(action, arguments);
        if (cents == 0 || cents >> CENTS_BITS != 0) revert ArgumentOutOfRange(0, cents);
    }

    function _standing(uint8 state, uint256 word) private pure returns (uint8) {
        uint256 paid = word >> PAID;
        uint256 due = _due(word);
        if (paid < due) return state;
        return paid == due ? SETTLED : OVERPAID;
    }

    function _due(uint256 word) private pure returns (uint256) {
        unchecked {
            return word.get(AMOUNT, CENTS_BITS) + word.get(EXPENSE, CENTS_BITS);
        }
    }
}
