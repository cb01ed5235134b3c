// The audit event (docs/spec/event.md): its one canonical form, its commitment, its fields.

import { Contradiction, Misconfigured } from "./refusals.js";
import { canonical, NotStrictJson, parseStrict } from "./strict_json.js";
import { either, isCounter, isNothing, isObject, isText, listOf, record } from "./shapes.js";
import { fromHex, sha256, utf8 } from "./octets.js";

const SCHEMA = "ledger-automation/event/v1";
const EVENT_LEVELS = 65; // a payload may nest 64 levels, and stands in the event

const isEvent = record({
  schema: isText,
  origin: isText,
  workflow: isText,
  workflow_version: isCounter,
  case_id: isText,
  sequence: isCounter,
  previous: either(isText, isNothing),
  action: isText,
  from_state: either(isText, isNothing),
  to_state: isText,
  actor: record({ id: isText, role: isText }),
  occurred_at: isText,
  recorded_at: isText,
  payload: isObject,
  attachments: listOf(record({ media_type: isText, name: isText, sha256: isText, size: isCounter })),
  signature: either(isObject, isNothing),
});

// Reads an event from its very text, which must be what `canonical` writes.
export function decodeEvent(text) {
  const event = parsed(text);
  if (!isEvent(event)) throw new Contradiction("event_shape");
  if (canonical(event) !== text) throw new Contradiction("event_not_canonical");
  if (event.schema !== SCHEMA) throw new Misconfigured("event_schema", { expected: SCHEMA, actual: event.schema });
  return event;
}

function parsed(text) {
  try {
    return parseStrict(text, EVENT_LEVELS);
  } catch (error) {
    if (error instanceof NotStrictJson) throw new Contradiction("event_not_json", { where: error.message });
    throw error;
  }
}

// Returns the commitment of an entry of a receipt, or the one that an erased step left behind.
export async function commitmentOf({ event, salt, commitment }) {
  if (commitment !== undefined) return octetsOf(commitment, "commitment_shape");
  return sha256(octetsOf(salt, "salt_shape"), utf8(event));
}

function octetsOf(text, words) {
  if (!/^[0-9a-f]{64}$/.test(text)) throw new Contradiction(words);
  return fromHex(text);
}
