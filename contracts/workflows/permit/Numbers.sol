// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

// Actions, in the order of the table in Python.
uint256 constant SUBMIT = 0;
uint256 constant ACKNOWLEDGE = 1;
uint256 constant DRAFT_LETTER = 2;
uint256 constant CHECK_LETTER = 3;
uint256 constant REVISE_LETTER = 4;
uint256 constant DETERMINE_LETTER = 5;
uint256 constant SEND_LETTER = 6;
uint256 constant REQUEST_DOCUMENTS = 7;
uint256 constant SUPPLEMENT_DOCUMENTS = 8;
uint256 constant DETERMINE_ADVICE_NEED = 9;
uint256 constant REQUEST_ADVICE = 10;
uint256 constant RECEIVE_ADVICE = 11;
uint256 constant DETERMINE_HOLD = 12;
uint256 constant EXTEND_TERM = 13;
uint256 constant PROPOSE = 14;
uint256 constant GRANT = 15;
uint256 constant REFUSE = 16;
uint256 constant WITHDRAW = 17;
uint256 constant NOTIFY = 18;
uint256 constant OBJECT = 19;
uint256 constant REMEDY = 20;
uint256 constant REJECT_OBJECTION = 21;
uint256 constant ENTER_INTO_FORCE = 22;
uint256 constant CLOSE_REFUSAL = 23;
uint256 constant EXPIRE = 24;
uint256 constant REVOKE = 25;

// States.
uint8 constant SUBMITTED = 1;
uint8 constant ACKNOWLEDGED = 2;
uint8 constant GRANTED = 3;
uint8 constant REFUSED = 4;
uint8 constant NOTIFIED = 5;
uint8 constant OBJECTED = 6;
uint8 constant IN_FORCE = 7;
uint8 constant WITHDRAWN = 8;
uint8 constant REFUSAL_FINAL = 9;
uint8 constant EXPIRED = 10;
uint8 constant REVOKED = 11;

// The case's word, by lowest bits. First what stays: the applicant (32 bits); the officer who had the last word on
// the decision (proposed it, then took it); the end of the term that runs (34 bits, seconds: planned; then for an
// objection, and 0 once that was decided); two rules; the outcome.
uint256 constant OFFICER = 32;
uint256 constant ENDS = 64;
uint256 constant FOUR_EYES = 98;
uint256 constant MONTHS = 99;
uint256 constant OUTCOME = 103;
// Then what is asked before the decision: branches; three letters' stages of 3 bits; how many versions of documents are
// known (8 bits), and their digest.
uint256 constant DOCUMENTS_OPEN = 105;
uint256 constant ADVICE_NEED = 106;
uint256 constant ADVICE_ASKED = 107;
uint256 constant PAPERS = 108;
uint256 constant DOCUMENTS = 117;
uint256 constant DIGEST = 128;
// After the decision, in the digest's place: until when the permit is valid (58 bits, microseconds; 0 without end).
uint256 constant VALID_UNTIL = 128;

uint256 constant MEMBER_BITS = 32;
uint256 constant ENDS_BITS = 34;
uint256 constant MONTHS_BITS = 4;
uint256 constant OUTCOME_BITS = 2;
uint256 constant VALID_UNTIL_BITS = 58;

uint256 constant APPLICANT_MASK = (1 << MEMBER_BITS) - 1;
uint256 constant ENDS_MASK = ((1 << ENDS_BITS) - 1) << ENDS;
// What neither the decision nor anything after it changes.
uint256 constant KEPT = APPLICANT_MASK | 1 << FOUR_EYES | ((1 << MONTHS_BITS) - 1) << MONTHS;

// Outcomes; none is 0.
uint256 constant OUTCOME_GRANTED = 1;
uint256 constant OUTCOME_REFUSED = 2;

// Times are counted in microseconds, ends of terms in whole seconds: they are midnights.
uint256 constant SECOND = 1e6;
uint256 constant DAY = 1 days * SECOND;
