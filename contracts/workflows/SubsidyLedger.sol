// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {CaseLedger} from "../CaseLedger.sol";
import {Terms} from "../interfaces/ICaseLedger.sol";
import {ISubsidyLedger} from "../interfaces/ISubsidyLedger.sol";
import {Words} from "../libraries/Words.sol";
import {ApplicationLaw} from "./subsidy/ApplicationLaw.sol";
import {GrantLaw} from "./subsidy/GrantLaw.sol";
import {TrancheLaw} from "./subsidy/TrancheLaw.sol";

/// @title The law of the subsidy on chain; the same table as `workflows/subsidy` in Python
/// @notice States: 1 programme open, 2 applied, 3 returned, 4 checked, 5 granted, 6 final proof submitted, 7 closed,
/// 8 revoked, 9 refused, 10 withdrawn. Actions are numbered as {_row} lists them.
/// @dev What is remembered changes its form with the grant: before it, the programme and the application
/// ({ApplicationLaw}); from then on, the money and what bounds it ({GrantLaw}), then a word for each condition that is
/// open and for each tranche ({TrancheLaw}). A tranche that is not the step's own costs each step some 330 gas while it
/// is disbursed and 210 once it is accepted; a payment and a request, which look at all of them, up to 500.
contract SubsidyLedger is CaseLedger, ISubsidyLedger {
    using ApplicationLaw for uint256[];
    using GrantLaw for uint256[];
    using TrancheLaw for uint256[];
    using Words for uint256[];

    uint256 private constant _OPEN_PROGRAMME = 0;
    uint256 private constant _APPLY = 1;
    uint256 private constant _CHECK_APPLICATION = 2;
    uint256 private constant _RETURN_APPLICATION = 3;
    uint256 private constant _WITHDRAW_APPLICATION = 4;
    uint256 private constant _RECORD_RESOLUTION = 5;
    uint256 private constant _GRANT = 6;
    uint256 private constant _REFUSE = 7;
    uint256 private constant _MEET_CONDITION = 8;
    uint256 private constant _REQUEST_TRANCHE = 9;
    uint256 private constant _ENDORSE_TRANCHE = 10;
    uint256 private constant _RETURN_TRANCHE = 11;
    uint256 private constant _APPROVE_TRANCHE = 12;
    uint256 private constant _DISBURSE_TRANCHE = 13;
    uint256 private constant _PROVE_USE = 14;
    uint256 private constant _ACCEPT_USE = 15;
    uint256 private constant _CHANGE_RATE = 16;
    uint256 private constant _REDUCE_GRANT = 17;
    uint256 private constant _CANCEL_REST = 18;
    uint256 private constant _SUBMIT_FINAL_PROOF = 19;
    uint256 private constant _RETURN_FINAL_PROOF = 20;
    uint256 private constant _RECLAIM = 23;

    /// @dev Actions beside those of tranches that take one argument, a bit for each. Opening takes two, a grant one and
    /// one more for each condition, the step of a tranche always one.
    uint256 private constant _ONE_ARGUMENT =
        1 << _APPLY | 1 << _MEET_CONDITION | 1 << _CHANGE_RATE | 1 << _REDUCE_GRANT | 1 << _SUBMIT_FINAL_PROOF;

    uint256 private constant _OF_TRANCHES = (2 << _ACCEPT_USE) - (1 << _REQUEST_TRANCHE) | 3 << _RECLAIM;

    /// @dev The state that follows each action, four bits each, 0 where the case stays in its state.
    uint256 private constant _TARGETS = 0x8756_00000000000_950a_3421;

    // A row: sources << 8 | roles. Bit n of sources is state n.
    uint256 private constant _REVIEW = 0x0014_00;
    uint256 private constant _RUNNING = 0x0020_00;
    uint256 private constant _PROOF = 0x0040_00;
    uint256 private constant _PAID_OUT = 0x01e0_00;

    /// @param admin Who seats members.
    /// @param backdating How many seconds a step may lie before its block.
    constructor(address admin, uint64 backdating) CaseLedger(admin, backdating, "ledger-automation/subsidy") {}

    /// @inheritdoc CaseLedger
    function _row(uint256 action) internal pure override returns (uint256) {
        unchecked {
            if (action < 10) {
                return (0x0001_22 // 0 open_programme
                    | 0x000a_01 << 24 // 1 apply
                    | (_REVIEW | 0x02) << 48 // 2 check_application
                    | (_REVIEW | 0x06) << 72 // 3 return_application
                    | 0x001c_01 << 96 // 4 withdraw_application
                    | (_REVIEW | 0x03) << 120 // 5 record_resolution
                    | (_REVIEW | 0x04) << 144 // 6 grant
                    | 0x0010_04 << 168 // 7 refuse
                    | (_RUNNING | 0x02) << 192 // 8 meet_condition
                    | (_RUNNING | 0x01) << 216) >> 24 * action; // 9 request_tranche
            }
            if (action < 20) {
                return ((_RUNNING | 0x02) // 10 endorse_tranche
                    | (_RUNNING | 0x07) << 24 // 11 return_tranche
                    | (_RUNNING | 0x04) << 48 // 12 approve_tranche
                    | (_RUNNING | 0x08) << 72 // 13 disburse_tranche
                    | (_RUNNING | 0x01) << 96 // 14 prove_use
                    | (_RUNNING | 0x10) << 120 // 15 accept_use
                    | (_RUNNING | 0x04) << 144 // 16 change_rate
                    | (_RUNNING | 0x04) << 168 // 17 reduce_grant
                    | (_RUNNING | 0x04) << 192 // 18 cancel_rest
                    | (_RUNNING | 0x01) << 216) >> 24 * (action - 10); // 19 submit_final_proof
            }
            return ((_PROOF | 0x10) // 20 return_final_proof
                | (_PROOF | 0x10) << 24 // 21 close
                | (_PROOF | _RUNNING | 0x04) << 48 // 22 revoke
                | (_PAID_OUT | 0x14) << 72 // 23 reclaim
                | (_PAID_OUT | 0x08) << 96) >> 24 * (action - 20); // 24 record_repayment
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
        if (_OF_TRANCHES >> action & 1 != 0) {
            if (arguments.length != 1) revert WrongArguments(action, arguments.length);
            if (action == _REQUEST_TRANCHE) {
                _requireFacts(facts, GrantLaw.LIST);
                facts.request(terms, arguments[0]);
            } else {
                _handle(action, terms, facts, arguments[0]);
            }
            return (state, facts);
        }
        facts = action < _MEET_CONDITION
            ? _decide(action, terms, state, facts, arguments)
            : _administer(action, terms, facts, arguments);
        uint256 target = _TARGETS >> (action << 2) & 0xf;
        if (target != 0) state = uint8(target);
        return (state, facts);
    }

    /// @dev Asked once a step, for all the words that stand in fixed places, before the first is read. The head vouches
    /// for the facts of an open case, so that `take` never comes to the error.
    function _requireFacts(uint256[] memory facts, uint256 least) private pure {
        if (facts.length < least) revert FactsMissing(facts.length, least);
    }

    /// @dev The steps up to the grant, or its refusal.
    function _decide(uint256 action, Terms terms, uint256 state, uint256[] memory facts, uint256[] calldata arguments)
        private
        pure
        returns (uint256[] memory)
    {
        if (action == _GRANT) {
            _requireFacts(facts, ApplicationLaw.SIZE);
            return facts.grant(terms, arguments);
        }
        uint256 expected = action == _OPEN_PROGRAMME ? 2 : _ONE_ARGUMENT >> action & 1;
        if (arguments.length != expected) revert WrongArguments(action, arguments.length);
        if (action == _OPEN_PROGRAMME) return ApplicationLaw.open(arguments);
        _requireFacts(facts, ApplicationLaw.SIZE);
        if (action == _APPLY) facts.applyFor(terms, state, arguments[0]);
        else if (action == _CHECK_APPLICATION) facts.check(terms);
        else if (action == _RETURN_APPLICATION) ApplicationLaw.requireOthersCase(facts.wordAt(1), terms);
        else if (action == _RECORD_RESOLUTION) facts.resolve(terms);
        else if (action == _WITHDRAW_APPLICATION) ApplicationLaw.requireOwnCase(facts.wordAt(1), terms);
        else if (action == _REFUSE) ApplicationLaw.requireFourEyes(facts.wordAt(1), facts.wordAt(3), terms);
        return facts;
    }

    /// @dev The steps of a tranche that was requested. The argument is its number (16 bits) | what else the step has.
    function _handle(uint256 action, Terms terms, uint256[] memory facts, uint256 argument) private pure {
        if (action == _DISBURSE_TRANCHE) return facts.disburse(terms, argument);
        (uint256 place, uint256 word) = facts.find(uint16(argument));
        argument >>= 16;
        if (action == _ENDORSE_TRANCHE) word = facts.endorse(word, terms, argument);
        else if (action == _APPROVE_TRANCHE) word = facts.approve(word, terms, argument);
        else if (action == _PROVE_USE) word = facts.prove(word, terms, argument);
        else if (action == _ACCEPT_USE) word = facts.accept(word, terms, argument);
        else if (action == _RETURN_TRANCHE) word = facts.sendBack(word, terms, argument);
        else if (action == _RECLAIM) word = facts.reclaim(word, terms, argument);
        else word = TrancheLaw.repay(word, argument);
        facts.put(place, word);
    }

    /// @dev The steps of the grant as a whole; returning the final proof changes the state only, closing and revoking are
    /// one.
    function _administer(uint256 action, Terms terms, uint256[] memory facts, uint256[] calldata arguments)
        private
        pure
        returns (uint256[] memory)
    {
        uint256 expected = _ONE_ARGUMENT >> action & 1;
        if (arguments.length != expected) revert WrongArguments(action, arguments.length);
        _requireFacts(facts, GrantLaw.LIST);
        uint256 argument = expected == 0 ? 0 : arguments[0];
        if (action == _MEET_CONDITION) return facts.meet(terms, argument);
        if (action == _CHANGE_RATE) facts.changeRate(terms, argument);
        else if (action == _REDUCE_GRANT) facts.reduce(terms, argument);
        else if (action == _CANCEL_REST) facts.cancelRest(terms);
        else if (action == _SUBMIT_FINAL_PROOF) facts.finalProof(terms, argument);
        else if (action == _RETURN_FINAL_PROOF) facts.requireOthersCase(terms);
        else facts.end(terms);
        return facts;
    }
}
