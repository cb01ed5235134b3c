// Reading what the reader gives: a receipt in JSON, in COSE or as the text of QR codes, proof that there is no such case,
// and a checkpoint or receipt held from earlier.

import { ABSENCE, isAbsence, isReceipt } from "./receipt_shapes.js";
import { Contradiction, UnreadableFile } from "./refusals.js";
import { COSE_SIGN1, readCose } from "./cose.js";
import { decodeUtf8, NotStrictJson, parseStrict } from "./strict_json.js";
import { FRAME, fromFrames } from "./frames.js";
import { fromBase64 } from "./octets.js";

// Returns a receipt or an absence; `format` tells which.
export async function readReceipt(octets) {
  const receipt = await parsedFile(octets);
  if (isAbsence(receipt)) return receipt;
  if (isReceipt(receipt) && (receipt.entries.length > 0 || receipt.erasure)) return receipt;
  throw new UnreadableFile("no_receipt");
}

export const isAbsent = (receipt) => receipt.format === ABSENCE;

async function parsedFile(octets) {
  if (isCose(octets)) return readCose(octets);
  if (areFrames(octets)) return readCose(await fromFrames(new TextDecoder().decode(octets)));
  try {
    return parseStrict(decodeUtf8(octets));
  } catch (error) {
    if (error instanceof NotStrictJson) throw new UnreadableFile("no_json", { where: error.message });
    throw error;
  }
}

const isCose = (octets) => octets[0] === COSE_SIGN1;
const areFrames = (octets) => [...FRAME].every((letter, at) => octets[at] === letter.charCodeAt(0));

// Returns the note that a file holds: its own text, or the checkpoint of a receipt.
export async function readNote(octets) {
  if (isCose(octets) || areFrames(octets)) return (await readReceipt(octets)).checkpoint;
  let text;
  try {
    text = decodeUtf8(octets);
  } catch {
    throw new UnreadableFile("no_note");
  }
  return text.trimStart().startsWith("{") ? (await readReceipt(octets)).checkpoint : text;
}

export function decodeProof(nodes) {
  const octets = nodes.map(fromBase64);
  if (octets.includes(null)) throw new Contradiction("proof_base64");
  return octets;
}
