/**
 * Evidence names are written by attackers: newline, escape sequences, bidi overrides and invalid UTF-8 must never reach a
 * terminal, a log line or a report raw. Bytes that are not UTF-8 and control or format characters become \xNN or \u{N}; a backslash is doubled, so that
 * the form can be read back.
 */
export function printable(name: string | Uint8Array): string {
  const bytes = typeof name === "string" ? Buffer.from(name, "utf8") : Buffer.from(name.buffer, name.byteOffset, name.byteLength);
  // Nearly every name is plain: looking at each code point costs a hundred times as much.
  const plain = bytes.toString("latin1");
  if (/^[ -[\]-~]*$/.test(plain)) return plain;
  let out = "";
  for (const piece of splitUtf8(bytes)) {
    if (typeof piece === "number") out += `\\x${piece.toString(16).padStart(2, "0")}`;
    else if (piece === "\\") out += "\\\\";
    else if (/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}\p{Cn}]/u.test(piece)) out += `\\u{${(piece.codePointAt(0) ?? 0).toString(16)}}`;
    else out += piece;
  }
  return out;
}

/** Code points where the bytes are UTF-8, single bytes where they are not. */
function* splitUtf8(bytes: Buffer): Generator<string | number> {
  const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  let at = 0;
  while (at < bytes.length) {
    const first = bytes[at] ?? 0;
    const length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    try {
      yield strict.decode(bytes.subarray(at, at + length));
      at += length;
    } catch {
      yield first;
      at += 1;
    }
  }
}

/** Text that is already ours (a message, a printable name) with whatever could still steer a terminal made visible. */
export function terminalSafe(text: string): string {
  return printable(text).replaceAll("\\\\", "\\");
}
