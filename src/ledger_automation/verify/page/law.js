// Replaying a case through its workflow's table: order, chain of commitments, state, action, role, time.
//
// What the table alone cannot tell (amounts, terms, four eyes, completeness of payloads) only `ledger verify` computes.

import { Contradiction } from "./refusals.js";
import { hex } from "./octets.js";

const MOMENT = /^(\d{4})-(\d\d)-(\d\d)T([01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{6}Z$/;
const YEARS = [1900, 2199];

// Follows steps {sequence, commitment, event} from the first on. An erased step has no event; behind it the law cannot be
// replayed, and each step is only held against the one before.
export function follow(tables, steps, caseId) {
  let before = null; // the lawful event before, until a step is erased
  let isBroken = false;
  for (const [at, { event, commitment }] of steps.entries()) {
    if (event === null) {
      isBroken = true;
      continue;
    }
    if (event.case_id !== caseId) throw new Contradiction("two_cases");
    const previous = at === 0 ? null : hex(steps[at - 1].commitment);
    if (event.previous !== previous) throw new Contradiction("previous_broken", { sequence: event.sequence });
    if (!isBroken) requireLawful(tables, event, before ?? { workflow: event.workflow, to_state: null, occurred_at: "" });
    before = event;
  }
  for (const [at, { sequence }] of steps.entries()) {
    if (sequence !== at) throw new Contradiction("sequence_broken", { expected: at, actual: sequence });
  }
}

// The log's own case must decide on every erased step: the case as a whole, or this very step.
export function requireDecided(erasure, decisions, logCase) {
  const named = decisions
    .filter((each) => each.workflow === "log" && each.case_id === logCase && each.action === "record_erasure")
    .map((each) => each.payload).filter((payload) => payload.case_id === erasure.case_id);
  for (const { sequence } of erasure.steps) {
    if (!named.some((payload) => (payload.sequence ?? null) === null || payload.sequence === sequence)) {
      throw new Contradiction("erasure_undecided", { sequence });
    }
  }
}

function requireLawful(tables, event, before) {
  const { sequence, action, workflow } = event;
  const table = Object.hasOwn(tables, workflow) ? tables[workflow] : null;
  if (table === null || workflow !== before.workflow || event.workflow_version !== table.version) {
    throw new Contradiction("workflow_unknown", { sequence, workflow });
  }
  const row = table.rows.find((each) => each.action === action);
  if (row === undefined) throw new Contradiction("action_unknown", { sequence, action });
  requireMoment(event, before);
  const isOpen = before.to_state !== null;
  if (event.from_state !== before.to_state || (isOpen ? !row.sources.includes(before.to_state) : row.sources.length)) {
    throw new Contradiction("state_wrong", { sequence, action, state: before.to_state ?? "-" });
  }
  if (!row.targets.includes(event.to_state)) throw new Contradiction("target_wrong", { sequence, state: event.to_state });
  const { role } = event.actor;
  if (!row.roles.includes(role)) throw new Contradiction("role_wrong", { sequence, action, role });
}

function requireMoment(event, before) {
  const [, year, month, day] = (MOMENT.exec(event.occurred_at) ?? []).map(Number);
  const isDate = new Date(Date.UTC(year, month - 1, day)).getUTCDate() === day && month >= 1 && month <= 12;
  if (!isDate || year < YEARS[0] || year > YEARS[1]) throw new Contradiction("moment_wrong", { sequence: event.sequence });
  if (event.occurred_at < before.occurred_at) throw new Contradiction("time_backwards", { sequence: event.sequence });
}
