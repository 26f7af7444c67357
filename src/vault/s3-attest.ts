import type { HeadObjectCommandOutput } from "@aws-sdk/client-s3";
import { describeError } from "../core/error.ts";
import type { LockWorth, StoredChecksum } from "../core/lock.ts";
import { printable } from "../core/printable.ts";
import type { ObjectState, Receipt, Stored } from "../core/vault.ts";
import { headObject } from "./s3-head.ts";
import type { S3Link } from "./s3-link.ts";
import { readHold, readRetention, rfc3339, type ReadHold, type ReadRetention, type S3Object } from "./s3-lock.ts";
import { idsOf, versionOf } from "./s3-look.ts";
import { codeOf, troubleOf } from "./s3-trouble.ts";

/** Asks the store three questions about exactly this version and compares each answer with what was asked of it. */
export async function attestInS3(
  link: S3Link,
  stored: Stored,
  fullKey: string,
  acceptBypassable: boolean,
  encoding: "identity" | "zstd",
  signal: AbortSignal,
): Promise<ObjectState> {
  const object: S3Object = stored.version === null ? { Key: fullKey } : { Key: fullKey, VersionId: stored.version };
  let head: HeadObjectCommandOutput;
  try {
    head = await headObject(link, object, signal);
  } catch (error) {
    signal.throwIfAborted();
    const trouble = troubleOf(error);
    if (trouble === "lapsed") throw error;
    const named = `${printable(stored.uri)}, version ${stored.version ?? "(none)"}`;
    if (trouble === "missing") return { kind: "missing", text: `${named}: the store says that it does not exist` };
    return { kind: "unknown", text: `${named}: ${codeOf(error)}: ${describeError(error)}` };
  }
  if (head.ContentLength === undefined) return { kind: "unknown", text: `${printable(stored.uri)}: the store's answer names no size` };
  const [retention, hold] = await Promise.all([readRetention(link, object, signal), readHold(link, object, signal)]);
  return { kind: "present", receipt: receiptOf(stored, head, retention, hold, { acceptBypassable, encoding, now: link.options.clock() }) };
}

const ofReading = "Its SHA-256 comes from reading this version again after it was locked; the store shows none of the whole.";

type Judging = { readonly acceptBypassable: boolean; readonly encoding: "identity" | "zstd"; readonly now: Date };

function receiptOf(stored: Stored, head: HeadObjectCommandOutput, retention: ReadRetention, hold: ReadHold, judging: Judging): Receipt {
  const worth = worthOf(retention, hold, judging.now);
  const problems = [
    ...aboutContent(stored, head),
    ...aboutRetention(stored, retention, judging.now),
    ...aboutHead(head, retention),
    ...aboutHold(stored, hold),
  ];
  const enough = worth === "irrevocable" || (worth === "bypassable" && judging.acceptBypassable);
  return {
    uri: stored.uri,
    version: stored.version,
    bytes: String(head.ContentLength),
    encoding: judging.encoding,
    checksum: shownChecksum(stored.checksum, head),
    lock: worth,
    mode: retention.kind === "locked" ? retention.mode : null,
    retainUntil: retention.kind === "locked" ? retention.retainUntil : null,
    legalHold: hold.kind === "read" ? hold.on : null,
    sealed: enough && problems.length === 0,
    text: isProvenByReading(stored, head) ? `${textOf(worth, retention)} ${ofReading}` : textOf(worth, retention),
    problems,
    requestIds: [...idsOf(head), ...retention.requestIds, ...hold.requestIds],
  };
}

function worthOf(retention: ReadRetention, hold: ReadHold, now: Date): LockWorth {
  if (retention.kind === "unknown") return "unknown";
  // Nothing, or lapsed: anybody with the right may delete, unless a hold is on, which whoever may set holds can also clear.
  if (retention.kind === "none" || Date.parse(retention.retainUntil) <= now.getTime())
    return hold.kind === "unknown" ? "unknown" : hold.on ? "removable" : "none";
  return retention.mode === "compliance" ? "irrevocable" : "bypassable";
}

function aboutContent(stored: Stored, head: HeadObjectCommandOutput): readonly string[] {
  const problems: string[] = [];
  const version = versionOf(head.VersionId);
  if (stored.version === null)
    problems.push(
      `version: the store named no version when it took the object${version === null ? "" : ` (its newest is now ${version})`}: what was locked cannot be told apart from a later object`,
    );
  else if (version !== stored.version) problems.push(`version: ${stored.version} was asked for, the store answered about ${version ?? "no version"}`);
  if (head.ContentLength !== stored.bytes) problems.push(`size: ${stored.bytes} bytes were stored, the store has ${head.ContentLength}`);
  if (stored.proof === "reread" && stored.checksum.value === "")
    problems.push("checksum: the stored bytes were not read again yet, so that no digest is known");
  else if (!isProvenByReading(stored, head)) problems.push(...aboutChecksum(stored, head));
  return problems;
}

function aboutChecksum(stored: Stored, head: HeadObjectCommandOutput): readonly string[] {
  if (head.ChecksumSHA256 === undefined) return ["checksum: the store shows no SHA-256 of its own"];
  if (shownChecksum(stored.checksum, head).value === stored.checksum.value && shownParts(head) === partsOf(stored)) return [];
  return [`checksum: ${stored.checksum.value} in ${partsOf(stored)} part(s) was stored, the store shows ${head.ChecksumSHA256}`];
}

/** Somebody else pushed the bytes, and the store has no SHA-256 of the whole that could contradict what was read from it. */
function isProvenByReading(stored: Stored, head: HeadObjectCommandOutput): boolean {
  return stored.proof === "reread" && stored.checksum.value !== "" && (head.ChecksumSHA256 === undefined || /-\d+$/.test(head.ChecksumSHA256));
}

function aboutRetention(stored: Stored, retention: ReadRetention, now: Date): readonly string[] {
  const { asked } = stored;
  if (retention.kind === "unknown") return [`lock: it could not be read (${retention.text})`];
  if (retention.kind === "none") return [`lock: ${asked.mode} until ${asked.retainUntil} was asked, the store shows none`];
  const problems: string[] = [];
  if (retention.mode !== asked.mode) problems.push(`mode: ${asked.mode} was asked, the store shows ${retention.mode}`);
  const short = Date.parse(asked.retainUntil) - Date.parse(retention.retainUntil);
  if (short > 0) problems.push(`retain-until: ${asked.retainUntil} was asked, the store shows ${retention.retainUntil}: ${short / 1000} s short`);
  if (Date.parse(retention.retainUntil) <= now.getTime()) problems.push(`lock: it lapsed at ${retention.retainUntil}`);
  return problems;
}

/** HEAD must show the same lock: a store that says two things about one object is not believed in either. */
function aboutHead(head: HeadObjectCommandOutput, retention: ReadRetention): readonly string[] {
  if (retention.kind !== "locked") return [];
  const mode = head.ObjectLockMode?.toLowerCase();
  const until = head.ObjectLockRetainUntilDate;
  if (mode === undefined || until === undefined) return ["lock: the store's HEAD answer does not show the lock that its retention answer shows"];
  if (mode !== retention.mode || Math.floor(until.getTime() / 1000) !== Math.floor(Date.parse(retention.retainUntil) / 1000))
    return [
      `lock: the store contradicts itself: HEAD shows ${printable(mode)} until ${rfc3339(until)}, its retention answer ${retention.mode} until ${retention.retainUntil}`,
    ];
  return [];
}

function aboutHold(stored: Stored, hold: ReadHold): readonly string[] {
  if (hold.kind === "unknown") return [`hold: it could not be read (${hold.text})`];
  return stored.asked.legalHold && !hold.on ? ["hold: a legal hold was asked, the store shows none"] : [];
}

function partsOf(stored: Stored): number {
  return stored.checksum.type === "full" ? 1 : Math.ceil(stored.bytes / Number(stored.checksum.partSize));
}

function shownParts(head: HeadObjectCommandOutput): number {
  return Number(/-(\d+)$/.exec(head.ChecksumSHA256 ?? "")?.[1] ?? 1);
}

function shownChecksum(asked: StoredChecksum, head: HeadObjectCommandOutput): StoredChecksum {
  const shown = head.ChecksumSHA256 ?? "";
  return { algorithm: "sha256", type: /-\d+$/.test(shown) ? "composite" : "full", value: shown.replace(/-\d+$/, ""), partSize: asked.partSize };
}

function textOf(worth: LockWorth, retention: ReadRetention): string {
  const until = retention.kind === "locked" ? ` until ${retention.retainUntil}` : "";
  switch (worth) {
    case "irrevocable":
      return `S3 Object Lock in compliance mode${until}: nobody, not even the account's root user, can delete or shorten it, short of closing the account.`;
    case "bypassable":
      return `S3 Object Lock in governance mode${until}: whoever holds s3:BypassGovernanceRetention can delete it.`;
    case "removable":
      return "A legal hold and no retention: whoever holds s3:PutObjectLegalHold can clear it and then delete the object.";
    case "none":
      return retention.kind === "locked"
        ? `The lock lapsed at ${retention.retainUntil}: the object can be deleted.`
        : "No lock: whoever may delete objects in the bucket can delete it.";
    case "unknown":
      return "The lock could not be read, so nothing is claimed about it.";
    default:
      return worth satisfies never;
  }
}
