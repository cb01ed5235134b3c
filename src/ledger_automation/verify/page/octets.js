// Octets and how they are written: UTF-8, hexadecimal, base64. Each value has one spelling; any other reads as null.

export const utf8 = (text) => new TextEncoder().encode(text);

export function joined(...parts) {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

export const same = (one, other) => one.length === other.length && one.every((octet, at) => octet === other[at]);

export const hex = (octets) => Array.from(octets, (octet) => octet.toString(16).padStart(2, "0")).join("");

export function fromHex(text) {
  if (!/^(?:[0-9a-f]{2})*$/.test(text)) return null;
  return Uint8Array.from({ length: text.length / 2 }, (_, at) => parseInt(text.slice(2 * at, 2 * at + 2), 16));
}

export const base64 = (octets) => btoa(String.fromCharCode(...octets));

export function fromBase64(text) {
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text)) return null;
  const octets = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  return base64(octets) === text ? octets : null; // bits beyond the last octet would be a second spelling
}

export const sha256 = async (...parts) => new Uint8Array(await crypto.subtle.digest("SHA-256", joined(...parts)));

// Words of the EVM: 256 bits, big-endian.

export const word = (number) => fromHex(number.toString(16).padStart(64, "0"));

export const number = (octets) => BigInt(`0x0${hex(octets)}`);
