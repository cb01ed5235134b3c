// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {CaseLedger} from "../CaseLedger.sol";
import {Terms} from "../interfaces/ICaseLedger.sol";
import {Words} from "../libraries/Words.sol";

/// @title A workflow's law for tests: many steps in one eth_call, without signatures, cases and storage
/// @dev For tests only. Mixed into a workflow's contract, it asks the very functions that `take` asks.
abstract contract LawHarness is CaseLedger {
    using Words for bytes;

    /// @notice A step: where the case stands, and what would be signed and brought along.
    struct Question {
        uint256 state;
        Terms terms;
        bytes witness;
    }

    /// @notice What the law says: the state and the facts then, or why not.
    struct Answer {
        bool allowed;
        uint256 state;
        uint256[] facts;
        bytes refusal;
    }

    /// @notice Decide many steps.
    /// @param questions The steps.
    /// @return answers What the law says of each.
    function decide(Question[] calldata questions) external view returns (Answer[] memory answers) {
        answers = new Answer[](questions.length);
        for (uint256 i = 0; i < questions.length; ++i) {
            try this.decideOne(questions[i]) returns (uint256 state, uint256[] memory facts) {
                answers[i] = Answer(true, state, facts, "");
            } catch (bytes memory refusal) {
                answers[i] = Answer(false, 0, new uint256[](0), refusal);
            }
        }
    }

    /// @notice Decide one step.
    /// @param question The step.
    /// @return state The state then.
    /// @return facts The facts then; the first word is the frame's.
    function decideOne(Question calldata question) external view returns (uint256 state, uint256[] memory facts) {
        Terms terms = question.terms;
        facts = question.witness.unpack(0, terms.facts());
        uint256[] calldata arguments = question.witness.slice(terms.facts(), terms.arguments());
        _requireAllowed(terms, question.state, facts);
        return _apply(terms, uint8(question.state), facts, arguments);
    }
}
