import { createHmac, randomBytes } from "node:crypto";

/** Sealed text that says what it is for; of the characters that the model allows, and short enough for it (256). */
export type TokenPress = {
  seal(fields: readonly (string | number)[]): string;
  /** The fields; null for what was not sealed here. */
  open(token: string): readonly unknown[] | null;
};

export function tokenPress(): TokenPress {
  const key = randomBytes(32);
  const sumOf = (text: string): string => createHmac("sha256", key).update(text).digest("base64url").slice(0, 16);
  return {
    seal(fields) {
      const text = JSON.stringify(fields);
      return Buffer.from(sumOf(text) + text).toString("base64");
    },
    open(token) {
      const plain = Buffer.from(token, "base64").toString("utf8");
      const text = plain.slice(16);
      if (plain.slice(0, 16) !== sumOf(text)) return null;
      const fields: unknown = JSON.parse(text);
      return Array.isArray(fields) ? fields : null;
    },
  };
}
