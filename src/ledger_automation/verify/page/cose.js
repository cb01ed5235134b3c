// The receipt's second encoding, a COSE receipt (RFC 9942), read into the same object that JSON gives (docs/spec/receipt.md).
//
// What is read is held against the one way to write it: a proof for each step, all of the checkpoint's size, and the
// signature and key id of the line that the checkpoint's note has for them.

import { Contradiction, UnreadableFile } from "./refusals.js";
import { base64, hex, joined, same } from "./octets.js";
import { either, isBytes, isCounter, isNothing, isText, isWhole, listOf, record, tuple } from "./shapes.js";
import { FORMAT, isAnchor } from "./receipt_shapes.js";
import { NotStrictCbor, parseCbor } from "./cbor.js";
import { headOf, readNoteText, signatureLine } from "./note.js";
import { protectedHeader } from "./root_signature.js";

export const COSE_SIGN1 = 0xd2;
const PROOFS = 396;
const INCLUSION = -1;
const isDigest = isBytes(32);
const isOpening = tuple(isText, isDigest);
const isProof = tuple(isWhole, isWhole, listOf(isDigest));
const isRest = record({
  note: isText,
  steps: listOf(isOpening),
  case_map_proof: either(isNothing, listOf(isDigest)),
  anchor: either(isNothing, isAnchor),
  extension: either(isNothing, tuple(isWhole, listOf(isDigest))),
  erasure: either(isNothing, record({
    case_id: isText,
    steps: (value) => listOf(tuple(isCounter, isDigest))(value) && value.length > 0,
    decisions: listOf(isOpening),
  })),
});
const isMessage = tuple(isBytes(13), (value) => value instanceof Map && value.size === 2, isNothing, isBytes(64));

// Throws UnreadableFile for anything but the one encoding of a receipt.
export function readCose(octets) {
  try {
    return receiptOf(parseCbor(octets.subarray(1)));
  } catch (error) {
    if (error instanceof NotStrictCbor || error instanceof Contradiction) throw new UnreadableFile("no_cose");
    throw error;
  }
}

function insist(holds) {
  if (!holds) throw new UnreadableFile("no_cose");
}

function receiptOf(message) {
  insist(isMessage(message));
  const [header, unprotected, , signature] = message;
  const keyId = header.slice(5, 9);
  insist(same(header, protectedHeader(keyId)));
  const [proofs, rest] = [unprotected.get(PROOFS), unprotected.get(FORMAT)];
  insist(proofs instanceof Map && proofs.size === 1 && listOf((value) => value instanceof Uint8Array)(proofs.get(INCLUSION)));
  insist(isRest(rest));
  const { text, lines } = readNoteText(rest.note);
  const size = headOf(text).treeSize;
  const places = proofs.get(INCLUSION).map((each) => placeOf(parseCbor(each), size));
  const { steps, erasure } = rest;
  const decisions = erasure?.decisions ?? [];
  const gone = erasure?.steps ?? [];
  insist(places.length === steps.length + gone.length + decisions.length);
  const [own, ...others] = rest.note.slice(text.length + 1, -1).split("\n");
  const line = signatureLine(lines[0].name, joined(keyId, signature));
  const note = `${text}\n${[own, line, ...others].join("\n")}\n`;
  readNoteText(note); // one line more may be one too many
  const receipt = {
    format: FORMAT,
    entries: entriesOf(steps, places),
    checkpoint: note,
    case_map_proof: rest.case_map_proof?.map(base64) ?? null,
    anchor: rest.anchor,
    extension: rest.extension && { first_size: rest.extension[0], consistency_proof: rest.extension[1].map(base64) },
    erasure: null,
  };
  if (erasure === null) return receipt;
  const traces = gone.map(([sequence, commitment], at) => ({ sequence, commitment: hex(commitment), ...places[steps.length + at] }));
  const deciding = entriesOf(decisions, places.slice(steps.length + gone.length));
  return { ...receipt, erasure: { case_id: erasure.case_id, steps: traces, decisions: deciding } };
}

function placeOf(proof, size) {
  insist(isProof(proof) && proof[0] === size);
  return { leaf_index: proof[1], inclusion_proof: proof[2].map(base64) };
}

const entriesOf = (steps, places) => steps.map(([event, salt], at) => ({ event, salt: hex(salt), ...places[at] }));
