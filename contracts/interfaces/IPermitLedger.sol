// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title What the permit's law refuses, each rule by its name in the law
/// @notice Moments are in microseconds since 1970. A paper is 0 acknowledgement, 1 permit-free notice, 2 hold report;
/// its stage is 0 none, 1 drafted, 2 checked, 3 determined, 4 sent.
interface IPermitLedger {
    /// @notice An application handed in by the office names its applicant.
    error ApplicantUnknown();

    /// @notice Who applies for himself does so under the office's own rules; others are set by an officer.
    error RulesAreTheOffices();

    /// @notice A version of a document has one hash for ever; a change is a new version.
    error DocumentVersionFixed(uint256 version);

    /// @notice The documents that were brought along are not those that the case knows, by their digests.
    error WrongDocuments(uint256 expected, uint256 actual);

    /// @notice Documents are supplemented on request or by the applicant.
    error DocumentsNotRequested();

    /// @notice A letter is checked before it is revised or determined.
    error CheckFirst(uint256 paper, uint256 stage);

    /// @notice A letter is drafted before it is checked; the acknowledgement is drafted by the system.
    error DraftFirst(uint256 paper, uint256 stage);

    /// @notice A letter is determined before it is sent.
    error DeterminationFirst(uint256 paper, uint256 stage);

    /// @notice A letter that was sent does not change any more.
    error LetterSentAlready(uint256 paper);

    /// @notice Whether the procedure must pause is decided after the need for advice.
    error AdviceNeedFirst();

    /// @notice External advice answers a request.
    error AdviceNotRequested();

    /// @notice An extension ends after the term that it extends.
    error ExtensionNotLater(uint256 until, uint256 plannedEnds);

    /// @notice A term is extended before it ends.
    error ExtensionTooLate(uint256 moment, uint256 plannedEnds);

    /// @notice Requested documents are still missing.
    error DocumentsMissing();

    /// @notice Requested advice is still missing, from these: numbers of 32 bits.
    error AdviceMissing(uint256 parties);

    /// @notice No more than eight parties may owe advice at once.
    error TooManyParties(uint256 asked);

    /// @notice A permit ends after the decision that grants it.
    error ValidUntilPast(uint256 validUntil, uint256 moment);

    /// @notice The objection was decided already.
    error ObjectionDecided();

    /// @notice The objection came after the last moment of its term.
    error ObjectionTooLate(uint256 moment, uint256 objectionEnds);

    /// @notice The term for an objection is still running.
    error ObjectionTermRunning(uint256 moment, uint256 objectionEnds);

    /// @notice Only a granted permit comes into force, expires or is revoked.
    error NotGranted();

    /// @notice Only a refusal becomes final.
    error NotRefused();

    /// @notice A permit expires at its exact moment, not before; 0 is a permit without end.
    error NotExpiredYet(uint256 moment, uint256 validUntil);

    /// @notice The permit had ended at that moment.
    error ExpiredAtThatSecond(uint256 moment, uint256 validUntil);
}
