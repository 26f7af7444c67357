const DEPTH = 16;

/**
 * Whether a text is the JCS of what it parses to, told without printing it: true is certain, false means that it has to be printed
 * and compared. Most acts are plain ASCII, and for those the engine's own printer and a look at the order of names are enough: it
 * escapes as RFC 8785 does. What the two could differ in is left to the printer: other letters (NFC), lone surrogates, numbers that are
 * no safe integers, names that only look like an order to us.
 */
export function surelyCanonical(value: unknown, text: string): boolean {
  return /^[ -~]*$/.test(text) && !text.includes("\\ud") && isPlain(value, DEPTH) && JSON.stringify(value) === text;
}

function isPlain(value: unknown, depth: number): boolean {
  if (typeof value === "number") return Number.isSafeInteger(value);
  if (typeof value !== "object" || value === null) return true;
  if (depth === 0) return false;
  if (Array.isArray(value)) {
    for (const member of value) if (!isPlain(member, depth - 1)) return false;
    return true;
  }
  let previous = "";
  for (const [name, member] of Object.entries(value)) {
    if (name <= previous || name === "__proto__" || !isPlain(member, depth - 1)) return false;
    previous = name;
  }
  return true;
}
