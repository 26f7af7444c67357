import { describeError, HoldfastError } from "../core/error.ts";
import type { Retention } from "../core/lock.ts";
import { printable } from "../core/printable.ts";
import type { S3Link } from "./s3-link.ts";
import { idsOf } from "./s3-look.ts";
import { codeOf, troubleOf } from "./s3-trouble.ts";

/** An object as the commands name it; without a version it is the newest one. */
export type S3Object = { readonly Key: string; readonly VersionId?: string };

export type LockParameters = {
  readonly ObjectLockMode: "COMPLIANCE" | "GOVERNANCE";
  readonly ObjectLockRetainUntilDate: Date;
  readonly ObjectLockLegalHoldStatus?: "ON";
};

export function lockParameters(key: string, retention: Retention): LockParameters {
  const mode = retention.mode === "compliance" ? "COMPLIANCE" : retention.mode === "governance" ? "GOVERNANCE" : null;
  if (mode === null) throw new HoldfastError("usage", `${printable(key)}: an S3 vault locks in compliance or governance mode, not ${retention.mode}`);
  return {
    ObjectLockMode: mode,
    ObjectLockRetainUntilDate: wholeSecondDate(key, retention.retainUntil),
    ...(retention.legalHold ? { ObjectLockLegalHoldStatus: "ON" as const } : {}),
  };
}

/** Some servers cut fractions of a second: a date that has one would come back as another date. */
export function wholeSecondDate(key: string, text: string): Date {
  const date = new Date(text);
  if (Number.isNaN(date.getTime()) || date.getTime() % 1000 !== 0)
    throw new HoldfastError("usage", `${printable(key)}: ${printable(text)} is not an RFC 3339 time in whole seconds`);
  return date;
}

export function rfc3339(date: Date): string {
  return date.toISOString().replace(/\.000Z$/, "Z");
}

export type ReadRetention =
  | { readonly kind: "locked"; readonly mode: "compliance" | "governance"; readonly retainUntil: string; readonly requestIds: readonly string[] }
  | { readonly kind: "none"; readonly requestIds: readonly string[] }
  /** Denied, not implemented, time-out, no sense: nothing may be concluded, least of all that there is no lock. */
  | { readonly kind: "unknown"; readonly text: string; readonly requestIds: readonly string[] };

export async function readRetention(link: S3Link, object: S3Object, signal: AbortSignal): Promise<ReadRetention> {
  try {
    const answer = await link.ask({
      what: `read the retention of ${object.Key}`,
      signal,
      send: (client, sdk, options) => client.send(new sdk.GetObjectRetentionCommand({ ...link.common, ...object }), options),
    });
    const requestIds = idsOf(answer);
    const mode = answer.Retention?.Mode;
    const until = answer.Retention?.RetainUntilDate;
    if (until === undefined || Number.isNaN(until.getTime()) || (mode !== "COMPLIANCE" && mode !== "GOVERNANCE"))
      return { kind: "unknown", text: "the store answered without a mode or a date", requestIds };
    return { kind: "locked", mode: mode === "COMPLIANCE" ? "compliance" : "governance", retainUntil: rfc3339(until), requestIds };
  } catch (error) {
    return { ...notRead(error, signal), requestIds: [] };
  }
}

export type ReadHold =
  | { readonly kind: "read"; readonly on: boolean; readonly requestIds: readonly string[] }
  | { readonly kind: "unknown"; readonly text: string; readonly requestIds: readonly string[] };

export async function readHold(link: S3Link, object: S3Object, signal: AbortSignal): Promise<ReadHold> {
  try {
    const answer = await link.ask({
      what: `read the legal hold of ${object.Key}`,
      signal,
      send: (client, sdk, options) => client.send(new sdk.GetObjectLegalHoldCommand({ ...link.common, ...object }), options),
    });
    const status = answer.LegalHold?.Status;
    if (status === "ON" || status === "OFF") return { kind: "read", on: status === "ON", requestIds: idsOf(answer) };
    return { kind: "unknown", text: "the store answered without a status", requestIds: idsOf(answer) };
  } catch (error) {
    const told = notRead(error, signal);
    return told.kind === "none" ? { kind: "read", on: false, requestIds: [] } : { ...told, requestIds: [] };
  }
}

function notRead(error: unknown, signal: AbortSignal): { readonly kind: "none" } | { readonly kind: "unknown"; readonly text: string } {
  signal.throwIfAborted();
  const trouble = troubleOf(error);
  if (trouble === "lapsed") throw error;
  return trouble === "no-lock" ? { kind: "none" } : { kind: "unknown", text: `${codeOf(error)}: ${describeError(error)}` };
}

/** Later only, read back. Resolves with the request ids. */
export async function extendRetention(
  link: S3Link,
  object: S3Object,
  mode: "compliance" | "governance",
  retainUntil: string,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const until = wholeSecondDate(object.Key, retainUntil);
  const subject = printable(object.Key);
  const before = await readRetention(link, object, signal);
  if (before.kind === "unknown") throw new HoldfastError("vault", `${subject}: its retention cannot be read (${before.text}), so it is not changed`);
  // Checked here too: there are servers that would let even COMPLIANCE be shortened.
  if (before.kind === "locked" && until.getTime() < Date.parse(before.retainUntil))
    throw new HoldfastError("refused", `${subject} is kept until ${before.retainUntil}; ${retainUntil} is not later: retention is never shortened`);
  const kept = before.kind === "locked" ? before.mode : mode;
  const { after, requestIds } = await putRetention(link, object, `extend the retention of ${object.Key}`, kept, until, {}, signal);
  if (after.kind !== "locked" || after.mode !== kept || Date.parse(after.retainUntil) < until.getTime())
    throw new HoldfastError("vault", `${subject}: the store accepted ${kept} until ${retainUntil} and shows ${shown(after)}; do not rely on the extension`);
  return [...before.requestIds, ...requestIds];
}

/** Asks for the retention, and reads back what the store shows then: the caller judges it. */
export async function putRetention(
  link: S3Link,
  object: S3Object,
  what: string,
  mode: "compliance" | "governance",
  until: Date,
  bypass: { readonly BypassGovernanceRetention?: true },
  signal: AbortSignal,
): Promise<{ readonly after: ReadRetention; readonly requestIds: readonly string[] }> {
  const answer = await link.ask({
    what,
    signal,
    send: (client, sdk, options) =>
      client.send(
        new sdk.PutObjectRetentionCommand({
          ...link.common,
          ...object,
          ...bypass,
          ChecksumAlgorithm: "SHA256",
          Retention: { Mode: mode === "compliance" ? "COMPLIANCE" : "GOVERNANCE", RetainUntilDate: until },
        }),
        options,
      ),
  });
  const after = await readRetention(link, object, signal);
  return { after, requestIds: [...idsOf(answer), ...after.requestIds] };
}

/** Sets or clears the hold, read back. Resolves with the request ids. */
export async function setHold(link: S3Link, object: S3Object, on: boolean, signal: AbortSignal): Promise<readonly string[]> {
  const answer = await link.ask({
    what: `set the legal hold of ${object.Key}`,
    signal,
    send: (client, sdk, options) =>
      client.send(
        new sdk.PutObjectLegalHoldCommand({ ...link.common, ...object, ChecksumAlgorithm: "SHA256", LegalHold: { Status: on ? "ON" : "OFF" } }),
        options,
      ),
  });
  const after = await readHold(link, object, signal);
  if (after.kind !== "read" || after.on !== on)
    throw new HoldfastError(
      "vault",
      `${printable(object.Key)}: the store accepted the hold ${on ? "ON" : "OFF"} and shows ${after.kind === "read" ? (after.on ? "ON" : "OFF") : after.text}`,
    );
  return [...idsOf(answer), ...after.requestIds];
}

export function shown(read: ReadRetention): string {
  switch (read.kind) {
    case "locked":
      return `${read.mode} until ${read.retainUntil}`;
    case "none":
      return "no retention";
    case "unknown":
      return read.text;
    default:
      return read satisfies never;
  }
}
