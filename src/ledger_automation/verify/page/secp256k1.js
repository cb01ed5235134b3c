// Whose ordinary key made a signature: recovery of the public key over secp256k1 (SEC 1, section 4.1.6).
//
// Only public values pass through here, so nothing needs to take the same time for all of them.

import { fromHex, hex, number, word } from "./octets.js";
import { keccak256 } from "./keccak.js";

const P = 2n ** 256n - 2n ** 32n - 977n;
const N = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
const G = [
  0x79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798n,
  0x483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8n,
];

const mod = (value, modulus) => ((value % modulus) + modulus) % modulus;

function power(base, exponent, modulus) {
  let result = 1n;
  for (; exponent; exponent >>= 1n, base = (base * base) % modulus) if (exponent & 1n) result = (result * base) % modulus;
  return result;
}

const inverse = (value, modulus) => power(mod(value, modulus), modulus - 2n, modulus);

// Points are pairs, null is the point at infinity.
function sum(one, other) {
  if (one === null || other === null) return one ?? other;
  const [[x, y], [u, v]] = [one, other];
  if (x === u && mod(y + v, P) === 0n) return null;
  const slope = x === u ? 3n * x * x * inverse(2n * y, P) : (v - y) * inverse(u - x, P);
  const third = mod(slope * slope - x - u, P);
  return [third, mod(slope * (x - third) - y, P)];
}

function times(factor, point) {
  let result = null;
  for (; factor; factor >>= 1n, point = sum(point, point)) if (factor & 1n) result = sum(result, point);
  return result;
}

// Returns the address (hex) of the key that signed a digest with r, s and v of 27 or 28; null for any other signature.
export function recovered(digest, signature) {
  if (signature.length !== 65 || ![27, 28].includes(signature[64])) return null;
  const [r, s] = [number(signature.slice(0, 32)), number(signature.slice(32, 64))];
  if (r === 0n || r >= N || s === 0n || s >= N) return null;
  const square = mod(r ** 3n + 7n, P);
  const root = power(square, (P + 1n) / 4n, P);
  if ((root * root) % P !== square) return null;
  const y = (root & 1n) === BigInt(signature[64] - 27) ? root : P - root;
  const byR = inverse(r, N);
  const point = sum(times(mod(-number(digest) * byR, N), G), times(mod(s * byR, N), [r, y]));
  if (point === null) return null;
  return hex(keccak256(fromHex(hex(word(point[0])) + hex(word(point[1])))).slice(-20));
}
