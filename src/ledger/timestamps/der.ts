import { HoldfastError } from "../../core/error.ts";

/** One DER element: its tag byte, its content, and all of its bytes. */
export type Der = { readonly tag: number; readonly content: Buffer; readonly whole: Buffer };

/** The elements that fill these bytes exactly. Definite, minimal lengths and single-byte tags only: what is signed must read one way. */
export function readDer(bytes: Buffer): Der[] {
  const elements: Der[] = [];
  for (let at = 0; at < bytes.length; ) {
    const tag = bytes[at] ?? 0;
    const first = bytes[at + 1] ?? 0x80;
    const extra = first < 0x80 ? 0 : first & 0x7f;
    if ((tag & 0x1f) === 0x1f || first === 0x80 || extra > 4 || at + 2 + extra > bytes.length) throw malformed();
    const length = extra === 0 ? first : bytes.readUIntBE(at + 2, extra);
    if (extra > 0 && (length < 0x80 || length < 256 ** (extra - 1))) throw malformed();
    const start = at + 2 + extra;
    if (start + length > bytes.length) throw malformed();
    elements.push({ tag, content: bytes.subarray(start, start + length), whole: bytes.subarray(at, start + length) });
    at = start + length;
  }
  return elements;
}

/** The one element with this tag that these bytes are: nothing may trail. */
export function oneDer(bytes: Buffer, tag: number): Der {
  const [element, ...more] = readDer(bytes);
  if (element === undefined || more.length > 0 || element.tag !== tag) throw malformed();
  return element;
}

function malformed(): HoldfastError {
  return new HoldfastError("unverifiable", "these bytes are not DER of the expected shape");
}
