// CBOR (RFC 8949) as far as a COSE receipt needs it, in its one deterministic encoding (section 4.2.1): whole numbers,
// octets, text, lists, maps, null. Anything else, any longer spelling and anything behind the value is refused.

export class NotStrictCbor extends Error {}

const MOST_DEPTH = 16;
const LONGER = new Map([[24, 1], [25, 2], [26, 4], [27, 8]]);

class CborReader {
  constructor(octets) {
    this.octets = octets;
    this.at = 0;
  }

  whole() {
    const value = this.value(0);
    if (this.at !== this.octets.length) this.refuse();
    return value;
  }

  refuse() {
    throw new NotStrictCbor(`at octet ${this.at}`);
  }

  take(count) {
    if (count > this.octets.length - this.at) this.refuse();
    this.at += count;
    return this.octets.subarray(this.at - count, this.at);
  }

  // Returns a kind and the number that follows it, in the fewest octets that hold it.
  head() {
    const [first] = this.take(1);
    const short = first & 31;
    if (short < 24) return [first >> 5, short];
    const count = LONGER.get(short);
    if (count === undefined) this.refuse();
    const value = this.take(count).reduce((sum, octet) => sum * 256 + octet, 0);
    const least = count === 1 ? 24 : 256 ** (count / 2);
    if (value < least || !Number.isSafeInteger(value)) this.refuse();
    return [first >> 5, value];
  }

  value(depth) {
    if (depth > MOST_DEPTH) this.refuse();
    if (this.octets[this.at] === 0xf6) return this.take(1) && null;
    const [kind, size] = this.head();
    switch (kind) {
      case 0: return size;
      case 1: return Number.isSafeInteger(-1 - size) ? -1 - size : this.refuse();
      case 2: return this.take(size).slice();
      case 3: return this.text(size);
      case 4: return this.list(size, depth);
      case 5: return this.map(size, depth);
      default: return this.refuse();
    }
  }

  text(size) {
    try {
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(this.take(size));
    } catch {
      return this.refuse();
    }
  }

  list(size, depth) {
    const items = [];
    while (items.length < size) items.push(this.value(depth + 1));
    return items;
  }

  // A map whose keys are all text becomes an object, as of JSON. Keys stand in the order of their octets.
  map(size, depth) {
    const found = new Map();
    let last = null;
    while (found.size < size) {
      const start = this.at;
      const key = this.value(depth + 1);
      const spelled = this.octets.subarray(start, this.at);
      if (last !== null && !isBefore(last, spelled)) this.refuse();
      last = spelled;
      found.set(key, this.value(depth + 1));
    }
    return [...found.keys()].every((key) => typeof key === "string") ? Object.fromEntries(found) : found;
  }
}

function isBefore(one, other) {
  const at = one.findIndex((octet, place) => octet !== other[place]);
  return at === -1 ? one.length < other.length : one[at] < other[at];
}

export function parseCbor(octets) {
  return new CborReader(octets).whole();
}
