// Another program's COSE receipts (npm: @transmute/cose, by the first author of RFC 9942): what does it say of ours?
//
// Reads [{receipt, entry}, ...] in base64 from stdin and writes, for each, the root that its inclusion proof leads to.
// Of signatures it knows no Ed25519; the root that it hands to its verifier is what the signature must cover.

const { receipt: { inclusion, leaf } } = require("@transmute/cose");

const octets = (text) => new Uint8Array(Buffer.from(text, "base64"));

async function rootOf({ receipt, entry }) {
  const verifier = { verify: async ({ payload }) => Buffer.from(payload).toString("hex") };
  try {
    return await inclusion.verify({ entry: await leaf(octets(entry)), receipt: octets(receipt), verifier });
  } catch (error) {
    return `${error}`;
  }
}

async function main() {
  const asked = JSON.parse(require("node:fs").readFileSync(0, "utf-8"));
  process.stdout.write(JSON.stringify(await Promise.all(asked.map(rootOf))));
}

main();
