// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {CaseLedger} from "../CaseLedger.sol";
import {Terms} from "../interfaces/ICaseLedger.sol";
import {Member} from "../interfaces/IMembers.sol";
import {Words} from "../libraries/Words.sol";
import "./permit/Numbers.sol";
import {ReviewLaw} from "./permit/ReviewLaw.sol";

/// @title The law of the permit on chain; the same table as `workflows/permit` in Python
/// @notice Errors stand in {IPermitLedger}, numbers in `permit/Numbers.sol`, the rules before the decision in
/// {ReviewLaw}.
/// @dev One word of facts, and one of parties while some owe advice. What nothing asks after the decision (who proposed
/// it, the planned term, letters, branches, documents) makes room for who took it, the term for an objection, the end.
contract PermitLedger is CaseLedger, ReviewLaw {
    using Words for uint256;

    // Bit n for action n: those that take no arguments.
    uint256 private constant _BARE = 1 << ACKNOWLEDGE | 1 << REQUEST_DOCUMENTS | 1 << DETERMINE_ADVICE_NEED
        | 1 << DETERMINE_HOLD | 1 << PROPOSE | 1 << REFUSE | 1 << WITHDRAW | 1 << OBJECT | 1 << REJECT_OBJECTION
        | 1 << ENTER_INTO_FORCE | 1 << CLOSE_REFUSAL | 1 << EXPIRE | 1 << REVOKE;

    // The fewest days that so many months have, nine bits for each number of months: those from a January on, in a year
    // that is no leap year, but for a month from the end of January or later.
    uint256 private constant _DAYS_OF_MONTHS = 28 << 9 | 59 << 18 | 89 << 27 | 120 << 36 | 150 << 45 | 181 << 54
        | 212 << 63 | 242 << 72 | 273 << 81 | 303 << 90 | 334 << 99 | 365 << 108;

    // A row: sources << 8 | roles. Bit n of sources is state n.
    uint256 private constant _REVIEW = 0x0006_02;
    uint256 private constant _DECIDE = 0x0004_04;

    /// @param admin Who seats members.
    /// @param backdating How many seconds a step may lie before its block.
    constructor(address admin, uint64 backdating) CaseLedger(admin, backdating, "ledger-automation/permit") {}

    /// @inheritdoc CaseLedger
    function _row(uint256 action) internal pure override returns (uint256) {
        unchecked {
            if (action < 10) {
                return (0x0001_03 // submit_application
                        | 0x0002_22 << 24 // acknowledge
                        | _REVIEW << 48 // draft_letter
                        | _REVIEW << 72 // check_letter
                        | _REVIEW << 96 // revise_letter
                        | _REVIEW << 120 // determine_letter
                        | _REVIEW << 144 // send_letter
                        | _REVIEW << 168 // request_documents
                        | 0x0006_03 << 192 // supplement_documents
                        | _REVIEW << 216) >> 24 * action; // determine_advice_need
            }
            if (action < 20) {
                return (_REVIEW // request_advice
                        | _REVIEW << 24 // receive_advice
                        | _REVIEW << 48 // determine_hold
                        | _REVIEW << 72 // extend_term
                        | _REVIEW << 96 // propose_decision
                        | _DECIDE << 120 // grant
                        | _DECIDE << 144 // refuse
                        | 0x0006_01 << 168 // withdraw
                        | 0x0018_22 << 192 // notify
                        | 0x0020_01 << 216) >> 24 * (action - 10); // object
            }
            return (0x0040_04 // remedy_objection
                    | 0x0040_04 << 24 // reject_objection
                    | 0x0020_22 << 48 // enter_into_force
                    | 0x0020_22 << 72 // close_refusal
                    | 0x00a0_20 << 96 // expire
                    | 0x00a8_04 << 120) >> 24 * (action - 20); // revoke
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
        if (action == SUBMIT) return (SUBMITTED, _submit(terms, arguments));
        uint256 word = facts[1];
        if (action < REQUEST_DOCUMENTS) {
            if (action == ACKNOWLEDGE) (state, word) = (ACKNOWLEDGED, _acknowledge(word));
            else word = _letter(action, word, _only(action, arguments));
        } else if (action < REQUEST_ADVICE) {
            if (action == SUPPLEMENT_DOCUMENTS) word = _supplement(terms, word, arguments);
            else word |= action == REQUEST_DOCUMENTS ? 1 << DOCUMENTS_OPEN : 1 << ADVICE_NEED;
        } else if (action < DETERMINE_HOLD) {
            return (state, _advise(action, word, facts, arguments));
        } else if (action < PROPOSE) {
            if (action == EXTEND_TERM) word = _extend(terms.moment(), word, _only(action, arguments));
            else if (!word.flag(ADVICE_NEED)) revert AdviceNeedFirst();
        } else if (action < NOTIFY) {
            (state, word) = _decide(terms, action, state, word, _parties(facts), arguments);
        } else {
            (state, word) = _follow(terms, action, word, arguments);
        }
        facts[1] = word;
        return (state, facts);
    }

    function _decide(
        Terms terms,
        uint256 action,
        uint8 state,
        uint256 word,
        uint256 parties,
        uint256[] calldata arguments
    ) private pure returns (uint8, uint256) {
        if (action == GRANT) return (GRANTED, _grant(terms, word, parties, _only(action, arguments)));
        if (action == PROPOSE) return (state, _propose(terms.member(), word));
        if (action == WITHDRAW) {
            _requireOwn(terms.member(), word);
            return (WITHDRAWN, word);
        }
        return (REFUSED, _decision(terms.member(), word, parties) | OUTCOME_REFUSED << OUTCOME);
    }

    function _follow(Terms terms, uint256 action, uint256 word, uint256[] calldata arguments)
        private
        pure
        returns (uint8, uint256)
    {
        uint256 moment = terms.moment();
        if (action < REMEDY) {
            if (action == NOTIFY) return (NOTIFIED, _notify(moment, word, _only(action, arguments)));
            _requireOwn(terms.member(), word);
            _requireObjection(moment, word);
            return (OBJECTED, word);
        }
        if (action == REMEDY) return (GRANTED, _grant(terms, word, 0, _only(action, arguments)));
        if (action == REJECT_OBJECTION) {
            _requireNotOwn(terms.member(), word);
            _requireFourEyes(terms.member(), word);
            return (NOTIFIED, word & ~ENDS_MASK);
        }
        if (action == CLOSE_REFUSAL) {
            if (word.get(OUTCOME, OUTCOME_BITS) != OUTCOME_REFUSED) revert NotRefused();
            _requireObjectionOver(moment, word);
            return (REFUSAL_FINAL, word);
        }
        if (word.get(OUTCOME, OUTCOME_BITS) != OUTCOME_GRANTED) revert NotGranted();
        uint256 validUntil = word >> VALID_UNTIL;
        bool ended = validUntil != 0 && moment >= validUntil;
        if (action == EXPIRE) {
            if (!ended) revert NotExpiredYet(moment, validUntil);
            return (EXPIRED, word);
        }
        if (action == REVOKE) _requireNotOwn(terms.member(), word);
        else _requireObjectionOver(moment, word);
        if (ended) revert ExpiredAtThatSecond(moment, validUntil);
        return (action == REVOKE ? REVOKED : IN_FORCE, word);
    }

    // An objection is remedied by the same rules: no branch is open then, and the officer is who decided before.
    function _decision(Member member, uint256 word, uint256 parties) private pure returns (uint256) {
        _requireNotOwn(member, word);
        if (word.flag(DOCUMENTS_OPEN)) revert DocumentsMissing();
        if (parties != 0) revert AdviceMissing(parties);
        _requireFourEyes(member, word);
        return (word & KEPT) | uint256(Member.unwrap(member)) << OFFICER;
    }

    function _grant(Terms terms, uint256 word, uint256 parties, uint256 validUntil) private pure returns (uint256) {
        if (validUntil >> VALID_UNTIL_BITS != 0) revert ArgumentOutOfRange(0, validUntil);
        word = _decision(terms.member(), word, parties) | OUTCOME_GRANTED << OUTCOME | validUntil << VALID_UNTIL;
        if (validUntil != 0 && validUntil <= terms.moment()) revert ValidUntilPast(validUntil, terms.moment());
        return word;
    }

    function _notify(uint256 moment, uint256 word, uint256 ends) private pure returns (uint256) {
        word = _withEnds(word, ends);
        unchecked {
            uint256 counted = _DAYS_OF_MONTHS.get(9 * word.get(MONTHS, MONTHS_BITS), 9);
            _requireTerm(_ends(word), moment + counted * DAY);
        }
        return word;
    }

    function _requireFourEyes(Member member, uint256 word) private pure {
        uint256 officer = word.get(OFFICER, MEMBER_BITS);
        if (word.flag(FOUR_EYES) && (officer == 0 || officer == Member.unwrap(member))) {
            revert FourEyes(Member.wrap(uint32(officer)));
        }
    }

    function _requireObjection(uint256 moment, uint256 word) private pure {
        uint256 ends = _ends(word);
        if (ends == 0) revert ObjectionDecided();
        if (moment >= ends) revert ObjectionTooLate(moment, ends);
    }

    function _requireObjectionOver(uint256 moment, uint256 word) private pure {
        uint256 ends = _ends(word);
        if (moment < ends) revert ObjectionTermRunning(moment, ends);
    }
}
