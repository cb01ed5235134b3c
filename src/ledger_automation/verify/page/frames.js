// The text of QR codes (docs/spec/receipt.md): a COSE receipt, compressed (RFC 1950), in base45 (RFC 9285), in frames that
// come in any order.

import { hex, sha256 } from "./octets.js";
import { UnreadableFile } from "./refusals.js";

export const FRAME = "LA1:";
const SHAPE = /^LA1:([0-9A-F]{8}):([1-9][0-9]{0,2})\/([1-9][0-9]{0,2}):([0-9A-Z $%*+\-./:]+)$/;
const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";
const MOST_OCTETS = 1 << 20;

export async function fromFrames(text) {
  const frames = text.replaceAll("\r", "").split("\n").filter((line) => line.trim()).map((line) => SHAPE.exec(line));
  if (frames.includes(null) || new Set(frames.map(([, digest, , count]) => `${digest} ${count}`)).size !== 1) {
    throw new UnreadableFile("no_frames");
  }
  const [[, digest, , count]] = frames;
  const parts = new Map(frames.map(([, , at, , part]) => [Number(at), part]));
  const numbers = Array.from({ length: Number(count) }, (_, at) => at + 1);
  const missing = numbers.find((number) => !parts.has(number));
  if (missing !== undefined) throw new UnreadableFile("frame_missing", { missing, count });
  const packed = fromBase45(numbers.map((number) => parts.get(number)).join(""));
  if (packed === null || parts.size !== numbers.length) throw new UnreadableFile("no_frames");
  if (hex(await sha256(packed)).slice(0, 8).toUpperCase() !== digest) throw new UnreadableFile("no_frames");
  return unpacked(packed);
}

// Two octets are three characters, a last one two; any other spelling reads as null.
export function fromBase45(text) {
  const octets = [];
  for (let at = 0; at < text.length; at += 3) {
    const group = [...text.slice(at, at + 3)].map((letter) => ALPHABET.indexOf(letter));
    const value = group.reduceRight((sum, digit) => sum * 45 + digit, 0);
    if (group.includes(-1) || group.length === 1 || value >= 256 ** (group.length - 1)) return null;
    octets.push(...(group.length === 3 ? [value >> 8, value & 255] : [value]));
  }
  return Uint8Array.from(octets);
}

async function unpacked(packed) {
  const chunks = [];
  let size = 0;
  try {
    for await (const chunk of new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"))) {
      size += chunk.length;
      if (size > MOST_OCTETS) throw new UnreadableFile("no_frames");
      chunks.push(chunk);
    }
  } catch {
    throw new UnreadableFile("no_frames"); // not compressed, cut, or more than a receipt is
  }
  return new Uint8Array(await new Blob(chunks).arrayBuffer());
}
