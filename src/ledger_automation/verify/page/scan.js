// Pictures of QR codes, read by the browser where it can (the Shape Detection API); its reader need not, as a telephone's
// camera gives the same text to paste.

import { UnreadableFile, Unsupported } from "./refusals.js";
import { utf8 } from "./octets.js";

export const arePictures = (files) => Array.from(files).every((file) => file.type.startsWith("image/"));

// Returns the text of all QR codes on all pictures, one a line, as octets.
export async function scanned(files) {
  if (globalThis.BarcodeDetector === undefined) throw new Unsupported("no_scanner");
  const detector = new globalThis.BarcodeDetector({ formats: ["qr_code"] });
  const codes = [];
  for (const file of files) codes.push(...(await detector.detect(await pictureOf(file))));
  if (codes.length === 0) throw new UnreadableFile("no_codes");
  return utf8(codes.map(({ rawValue }) => rawValue).join("\n"));
}

async function pictureOf(file) {
  try {
    return await createImageBitmap(file);
  } catch {
    throw new UnreadableFile("no_file");
  }
}
