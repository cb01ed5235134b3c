// Keccak-256 as the EVM hashes (the padding of the competition, not that of FIPS 202), after the Keccak reference.

const RATE = 136;
const LANE = (1n << 64n) - 1n;

const turned = (lane, bits) => ((lane << bits) | (lane >> (64n - bits))) & LANE;

// Round constants: bit 2^j - 1 of a round's constant is the next bit of an LFSR over x^8 + x^6 + x^5 + x^4 + 1.
const ROUNDS = (() => {
  let state = 1;
  return Array.from({ length: 24 }, () => {
    let constant = 0n;
    for (let j = 0; j < 7; j += 1) {
      if (state & 1) constant |= 1n << ((1n << BigInt(j)) - 1n);
      state = (state << 1) ^ (state & 0x80 ? 0x171 : 0);
    }
    return constant;
  });
})();

// Where each lane goes (pi), and by how many bits it is turned on the way (rho).
const WAY = (() => {
  const way = [];
  let [x, y] = [1, 0];
  for (let t = 1; t <= 24; t += 1) {
    const [nextX, nextY] = [y, (2 * x + 3 * y) % 5];
    way.push([x + 5 * y, nextX + 5 * nextY, BigInt((t * (t + 1)) / 2 % 64)]);
    [x, y] = [nextX, nextY];
  }
  return way;
})();

function permuted(lanes) {
  for (const constant of ROUNDS) {
    const columns = [0, 1, 2, 3, 4].map((x) => [0, 5, 10, 15, 20].reduce((sum, y) => sum ^ lanes[x + y], 0n));
    lanes = lanes.map((lane, at) => lane ^ columns[(at + 4) % 5] ^ turned(columns[(at + 1) % 5], 1n));
    const moved = [...lanes];
    for (const [from, to, bits] of WAY) moved[to] = turned(lanes[from], bits);
    lanes = moved.map((lane, at) => {
      const row = at - (at % 5);
      return lane ^ (~moved[row + ((at + 1) % 5)] & moved[row + ((at + 2) % 5)] & LANE);
    });
    lanes[0] ^= constant;
  }
  return lanes;
}

export function keccak256(octets) {
  const padded = new Uint8Array((Math.floor(octets.length / RATE) + 1) * RATE);
  padded.set(octets);
  padded[octets.length] ^= 0x01;
  padded[padded.length - 1] ^= 0x80;
  const view = new DataView(padded.buffer);
  let lanes = Array(25).fill(0n);
  for (let block = 0; block < padded.length; block += RATE) {
    lanes = permuted(lanes.map((lane, at) => (at < RATE / 8 ? lane ^ view.getBigUint64(block + 8 * at, true) : lane)));
  }
  const digest = new DataView(new ArrayBuffer(32));
  lanes.slice(0, 4).forEach((lane, at) => digest.setBigUint64(8 * at, lane, true));
  return new Uint8Array(digest.buffer);
}
