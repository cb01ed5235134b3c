// Checkpoints: signed notes (C2SP signed-note, tlog-checkpoint, tlog-cosignature) with Ed25519 keys and one extension line,
// and the line of the log's signature over the root alone.

import { Contradiction, Misconfigured, Unsupported } from "./refusals.js";
import { base64, fromBase64, fromHex, hex, number, sha256, utf8 } from "./octets.js";
import { rootKeyId, signedRoot } from "./root_signature.js";

export const LOG_KEY = 1; // signs the note's text
export const WITNESS_KEY = 4; // signs the moment and the text
const ROOT_KEY = 255; // a log's key where it signs the root alone
const MOST_SIGNATURES = 100;
const CASE_MAP = "case-map ";

// Reads a verifier key, `name+id+key`, of a kind; its id must belong to it.
export async function parseKey(text, kind) {
  const [, name, id, encoded] = /^([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/.exec(text) ?? [];
  const octets = encoded === undefined ? null : fromBase64(encoded);
  if (octets === null || octets.length !== 33 || octets[0] !== kind) throw new Misconfigured("policy_key", { text });
  const digest = await sha256(utf8(`${name}\n`), octets);
  if (hex(digest.slice(0, 4)) !== id) throw new Misconfigured("policy_key", { text });
  return { name, id, kind, raw: hex(octets.slice(1)), key: await imported(octets.slice(1)) };
}

async function imported(raw) {
  try {
    return await crypto.subtle.importKey("raw", raw, "Ed25519", false, ["verify"]);
  } catch (error) {
    if (error.name === "NotSupportedError") throw new Unsupported("no_ed25519");
    throw new Misconfigured("policy_key", { text: hex(raw) });
  }
}

// Returns the text of a note that at least one key signed. A line of a known key that does not hold makes it bad.
export async function openNote(note, keys) {
  const { text, lines } = readNoteText(note);
  if ((await signersOf(text, lines, keys)).size === 0) throw new Contradiction("note_unknown");
  return text;
}

// Returns the names of the witnesses who cosigned a note, by their keys: a key counts once, whatever it is called.
export async function cosignersOf(note, keys) {
  const { text, lines } = readNoteText(note);
  return signersOf(text, lines, keys);
}

export function readNoteText(note) {
  const end = note.lastIndexOf("\n\n");
  if (end <= 0 || !note.endsWith("\n") || note.length === end + 2) throw new Contradiction("note_unsigned");
  if (/[\u0000-\u0009\u000b-\u001f]/.test(note)) throw new Contradiction("note_control");
  const text = note.slice(0, end + 1);
  const lines = note.slice(end + 2, -1).split("\n");
  if (lines.length > MOST_SIGNATURES) throw new Contradiction("note_signatures");
  return { text, lines: lines.map(signatureOf) };
}

async function signersOf(text, lines, keys) {
  const found = new Map();
  for (const { name, id, signature } of lines) {
    for (const known of keys.filter((each) => each.name === name && each.id === id)) {
      if (!(await isSigned(text, signature, known))) throw new Contradiction("note_forged", { name });
      found.set(known.raw, name);
    }
  }
  return found;
}

async function isSigned(text, signature, { key, kind, id }) {
  if (kind === ROOT_KEY) return crypto.subtle.verify("Ed25519", key, signature, signedRoot(fromHex(id), headOf(text).root));
  if (kind === LOG_KEY) return crypto.subtle.verify("Ed25519", key, signature, utf8(text));
  const moment = number(signature.slice(0, 8));
  if (signature.length !== 72 || moment >= 1n << 63n) return false;
  const message = utf8(`cosignature/v1\ntime ${moment}\n${text}`);
  return crypto.subtle.verify("Ed25519", key, signature.slice(8), message);
}

function signatureOf(line) {
  const [, name, encoded] = /^\u2014 ([^ ]+) (.*)$/s.exec(line) ?? [];
  const octets = encoded === undefined ? null : fromBase64(encoded);
  if (octets === null || octets.length <= 4) throw new Contradiction("note_line", { line });
  return { name, id: hex(octets.slice(0, 4)), signature: octets.slice(4) };
}

export const signatureLine = (name, octets) => `\u2014 ${name} ${base64(octets)}`;

export async function openCheckpoint(note, origin, keys) {
  const text = await openNote(note, keys);
  const lines = text.slice(0, -1).split("\n");
  if (lines.length !== 4) throw new Contradiction("checkpoint_lines");
  const { treeSize, root } = headOf(text);
  if (lines[0] !== origin) throw new Contradiction("checkpoint_origin", { expected: origin, actual: lines[0] });
  if (!lines[3].startsWith(CASE_MAP)) throw new Contradiction("checkpoint_map");
  const mapRoot = rootOf(lines[3].slice(CASE_MAP.length));
  await signersOf(text, readNoteText(note).lines, await Promise.all(keys.map(rootKeyOf)));
  return { treeSize, root, mapRoot };
}

// Returns what every log's checkpoint says in its first three lines.
export function headOf(text) {
  const [origin, size, root, ...others] = text.slice(0, -1).split("\n");
  if (root === undefined || [origin, size, root, ...others].includes("")) throw new Contradiction("checkpoint_lines");
  if (!/^(?:0|[1-9][0-9]{0,15})$/.test(size) || !Number.isSafeInteger(Number(size))) {
    throw new Contradiction("checkpoint_size", { actual: size });
  }
  return { treeSize: Number(size), root: rootOf(root) };
}

async function rootKeyOf({ name, raw, key }) {
  return { name, id: hex(await rootKeyId(name, fromHex(raw))), kind: ROOT_KEY, raw, key };
}

function rootOf(text) {
  const octets = fromBase64(text);
  if (octets === null || octets.length !== 32) throw new Contradiction("checkpoint_root", { actual: text });
  return octets;
}
