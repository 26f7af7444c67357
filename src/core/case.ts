import { HoldfastError } from "./error.ts";

export const severities = ["low", "medium", "high", "critical"] as const;
export const sensitivities = ["public", "internal", "confidential", "restricted"] as const;
export type Severity = (typeof severities)[number];
export type Sensitivity = (typeof sensitivities)[number];

/** One matter. */
export type Case = {
  readonly id: string;
  readonly title: string | null;
  readonly severity: Severity;
  readonly sensitivity: Sensitivity;
  /** ISO 3166 code, e.g. `DE`, `US-CA`. */
  readonly jurisdiction: string | null;
  /** Name of a retention class of the configuration. */
  readonly retention: string | null;
  readonly opened: string;
  readonly exhibits: number;
};

export function parseCaseId(text: string): string {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(text))
    throw new HoldfastError("usage", `case id ${JSON.stringify(text)}: use 1 to 64 letters, digits, dot, underscore, hyphen, beginning with a letter or digit`);
  return text;
}

/** `CASE/001` … `CASE/999`, `CASE/1000`. */
export function exhibitId(caseId: string, number: number): string {
  return `${caseId}/${String(number).padStart(3, "0")}`;
}

export function parseExhibitId(text: string): { readonly caseId: string; readonly number: number } {
  const match = /^([A-Za-z0-9][A-Za-z0-9._-]{0,63})\/(\d{3,9})$/.exec(text);
  if (match?.[1] === undefined || match[2] === undefined || exhibitId(match[1], Number(match[2])) !== text)
    throw new HoldfastError("usage", `${JSON.stringify(text)} is not an exhibit; write CASE/001`);
  return { caseId: match[1], number: Number(match[2]) };
}
