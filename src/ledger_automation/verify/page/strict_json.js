// JSON in the strict profile of docs/spec/event.md: what JSON.parse lets pass and readers disagree on is refused.
//
// Refused: a key that stands twice, a key outside ASCII, a number that is not whole, beyond 2^53-1 or -0, a lone
// surrogate, more than 64 levels. Spacing and the order of keys are free; `canonical` writes the one form that is hashed.

const MOST_LEVELS = 64;
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const PLAIN = /[^"\\\u0000-\u001f]*/y;
const SPACE = /[ \t\n\r]*/y;
const ESCAPES = { '"': '"', "\\": "\\", "/": "/", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" };
const NAMED = { true: true, false: false, null: null };

export class NotStrictJson extends Error {}

class Reader {
  constructor(text, levels) {
    this.text = text;
    this.levels = levels;
    this.at = 0;
  }

  whole() {
    const value = this.value(0);
    this.skip(SPACE);
    if (this.at !== this.text.length) this.refuse();
    return value;
  }

  refuse() {
    throw new NotStrictJson(`at character ${this.at}`);
  }

  skip(pattern) {
    pattern.lastIndex = this.at;
    const [found] = pattern.exec(this.text) ?? [""];
    this.at += found.length;
    return found;
  }

  next() {
    this.skip(SPACE);
    return this.text[this.at];
  }

  take(mark) {
    if (this.next() !== mark) this.refuse();
    this.at += 1;
  }

  value(depth) {
    const mark = this.next();
    if (mark === "{") return this.members(depth + 1);
    if (mark === "[") return this.list(depth + 1);
    if (mark === '"') return this.string();
    const name = Object.keys(NAMED).find((each) => this.text.startsWith(each, this.at));
    if (name === undefined) return this.integer();
    this.at += name.length;
    return NAMED[name];
  }

  each(open, close, depth, read) {
    if (depth > this.levels) this.refuse();
    this.take(open);
    for (let first = true; this.next() !== close; first = false) {
      if (!first) this.take(",");
      read();
    }
    this.at += 1;
  }

  list(depth) {
    const items = [];
    this.each("[", "]", depth, () => items.push(this.value(depth)));
    return items;
  }

  members(depth) {
    const found = Object.create(null);
    this.each("{", "}", depth, () => {
      this.skip(SPACE);
      const key = this.string();
      if (key in found || !/^[\u0000-\u007f]*$/.test(key)) this.refuse();
      this.take(":");
      found[key] = this.value(depth);
    });
    return found;
  }

  integer() {
    const text = this.skip(NUMBER);
    if (!/^-?[0-9]{1,16}$/.test(text) || text === "-0" || !Number.isSafeInteger(Number(text))) this.refuse();
    return Number(text);
  }

  string() {
    if (this.text[this.at] !== '"') this.refuse();
    this.at += 1;
    let found = this.skip(PLAIN);
    while (this.text[this.at] === "\\") {
      this.at += 1;
      found += this.escape() + this.skip(PLAIN);
    }
    if (this.text[this.at] !== '"' || !found.isWellFormed()) this.refuse();
    this.at += 1;
    return found;
  }

  escape() {
    const mark = this.text[this.at];
    const digits = this.text.slice(this.at + 1, this.at + 5);
    if (mark === "u" && /^[0-9a-fA-F]{4}$/.test(digits)) {
      this.at += 5;
      return String.fromCharCode(parseInt(digits, 16));
    }
    if (mark === undefined || !Object.hasOwn(ESCAPES, mark)) this.refuse();
    this.at += 1;
    return ESCAPES[mark];
  }
}

export function parseStrict(text, levels = MOST_LEVELS) {
  return new Reader(text, levels).whole();
}

export function decodeUtf8(octets) {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(octets);
  } catch {
    throw new NotStrictJson("not UTF-8");
  }
}

export function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const members = Object.keys(value).sort().map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`);
  return `{${members.join(",")}}`;
}
