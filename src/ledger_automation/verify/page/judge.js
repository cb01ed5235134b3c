// From what the reader gives to an answer: a verdict with its steps, or a refusal where there is nothing to judge.
//
// `verifyReceipt(octets, {level, urls, quorum, held})` is there for programs that drive this page, too.

import { LOG_KEY, openCheckpoint, parseKey } from "./note.js";
import { readNote, readReceipt } from "./receipt.js";
import { Contradiction, UnreadableFile, Unsupported } from "./refusals.js";
import { Verifier } from "./verifier.js";

export const pinned = JSON.parse(document.getElementById("pinned").textContent);

export async function verifyReceipt(octets, asked = {}) {
  try {
    if (globalThis.crypto?.subtle === undefined) throw new Unsupported("no_crypto");
    const receipt = await readReceipt(octets);
    const held = asked.held ? await heldNote(asked.held) : null;
    return await new Verifier(pinned.policy, pinned.tables, { ...asked, held }).verify(receipt);
  } catch (error) {
    if (error.kind === undefined) throw error;
    return { error: error.kind, words: error.words, facts: error.facts };
  }
}

async function heldNote(octets) {
  const note = await readNote(octets);
  try {
    await openCheckpoint(note, pinned.policy.origin, await Promise.all(pinned.policy.log_keys.map((each) => parseKey(each, LOG_KEY))));
  } catch (error) {
    if (error instanceof Contradiction) throw new UnreadableFile("no_note");
    throw error;
  }
  return note;
}

globalThis.verifyReceipt = verifyReceipt;
