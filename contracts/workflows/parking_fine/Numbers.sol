// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

// Actions, in the order of the table in Python.
uint256 constant RECORD_FINE = 0;
uint256 constant SEND_HEARING = 1;
uint256 constant CORRECT_AMOUNT = 2;
uint256 constant SEND_NOTICE = 3;
uint256 constant RECORD_SERVICE = 4;
uint256 constant APPEAL_TO_AUTHORITY = 5;
uint256 constant APPEAL_TO_COURT = 6;
uint256 constant FORWARD_APPEAL = 7;
uint256 constant DECIDE_APPEAL = 8;
uint256 constant SERVE_DECISION = 9;
uint256 constant WITHDRAW_APPEAL = 10;
uint256 constant ADD_PENALTY = 11;
uint256 constant RECORD_PAYMENT = 12;
uint256 constant SEND_TO_COLLECTION = 13;
uint256 constant RECORD_COLLECTED = 14;
uint256 constant WRITE_OFF = 15;
uint256 constant CANCEL_FINE = 16;
uint256 constant REFUND = 17;

// States; the first five are the rungs, on which a fine stands again when an appeal is over.
uint8 constant RECORDED = 1;
uint8 constant HEARING_SENT = 2;
uint8 constant NOTICE_SENT = 3;
uint8 constant NOTIFIED = 4;
uint8 constant PENALTY_ADDED = 5;
uint8 constant APPEALED_TO_AUTHORITY = 6;
uint8 constant APPEALED_TO_COURT = 7;
uint8 constant IN_COLLECTION = 8;
uint8 constant SETTLED = 9;
uint8 constant OVERPAID = 10;
uint8 constant DISMISSED = 11;
uint8 constant WRITTEN_OFF = 12;

// The case's first word, by lowest bits: who recorded the fine (32 bits); the rung (3); what happened to an appeal.
uint256 constant RUNG = 32;
uint256 constant FORWARDED = 35;
uint256 constant DECIDED = 36;
uint256 constant AUTHORITY_DECIDED = 37;
// The rules: flags, and days of 9 bits each.
uint256 constant HEARING_REQUIRED = 38;
uint256 constant APPEAL_BEFORE_NOTICE = 39;
uint256 constant COURT_DIRECTLY = 40;
uint256 constant APPEAL_DAYS = 41;
uint256 constant COURT_DAYS = 50;
uint256 constant COURT_DAYS_AFTER_DECISION = 59;
uint256 constant PENALTY_DAYS = 68;
uint256 constant COLLECTION_DAYS = 77;
// Money, at whole bytes: amount and expense (53 bits each), what was paid and not given back (55).
uint256 constant AMOUNT = 88;
uint256 constant EXPENSE = 144;
uint256 constant PAID = 200;

// The case's second word, there from the first appeal or service on: moments of 40 bits, in whole seconds, 0 for none,
// and whom the fine concerns (32 bits). What ends at the moment of a step is cut to its second: no later step can come
// before it.
uint256 constant APPEAL_ENDS = 0;
uint256 constant COURT_ENDS = 40;
uint256 constant PENALTY_STARTS = 80;
uint256 constant COLLECTION_STARTS = 120;
uint256 constant PERSON_CONCERNED = 160;

uint256 constant RUNG_BITS = 3;
uint256 constant DAYS_BITS = 9;
uint256 constant CENTS_BITS = 53;
uint256 constant PAID_BITS = 55;
uint256 constant MOMENT_BITS = 40;
uint256 constant MEMBER_BITS = 32;

// Days of a penalty in rules that know none.
uint256 constant NO_PENALTY = (1 << DAYS_BITS) - 1;

// What the step that opens a case brings along: rules and amount.
uint256 constant OPENING = ((1 << COLLECTION_DAYS + DAYS_BITS) - (1 << HEARING_REQUIRED))
    | ((1 << CENTS_BITS) - 1) << AMOUNT;
