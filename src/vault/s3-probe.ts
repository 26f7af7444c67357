import { createHash } from "node:crypto";
import { describeError } from "../core/error.ts";
import type { ProbeAnswer } from "../core/vault.ts";
import type { S3Link } from "./s3-link.ts";
import { readRetention, rfc3339, type S3Object } from "./s3-lock.ts";
import { idsOf, versionOf } from "./s3-look.ts";
import { sentinelFolder } from "./s3-permissions.ts";
import { asked, mustBeRefused } from "./s3-probe-answer.ts";
import { probeLockConfiguration, probeOwner, probeVersioning } from "./s3-probe-bucket.ts";
import { codeOf, troubleOf } from "./s3-trouble.ts";

type Probing = { readonly prefix: string; readonly mode: "compliance" | "governance"; readonly kmsKey: string | null };

/** The shortest lock that leaves room for a shorter date which is still in the future, so that a refusal means the lock. */
const sentinelMs = 10 * 60_000;
const shortenedMs = 5 * 60_000;

/**
 * Asks the store whether it is fit for evidence, and tries on an object of its own what must be refused. Each sentinel stays
 * for ten minutes under its lock and then as a few bytes below `holdfast-sentinel/`, for a lifecycle rule to remove.
 */
export async function probeS3(link: S3Link, probing: Probing, signal: AbortSignal): Promise<readonly ProbeAnswer[]> {
  const answers = [await probeVersioning(link, signal), await probeLockConfiguration(link, signal)];
  if (answers.some((answer) => answer.fatal && !answer.ok)) return answers;
  const now = link.options.clock().getTime();
  const until = wholeSecond(now + sentinelMs);
  const key = `${probing.prefix}${sentinelFolder}${Buffer.from(link.options.random(12)).toString("hex")}`;
  const written = await probeWrite(link, probing, key, until, signal);
  answers.push(written.answer);
  if (written.object === null) return answers;
  const { object } = written;
  answers.push(await probeReadBack(link, object, probing.mode, until, signal));
  answers.push(await probeOverwrite(link, key, signal));
  answers.push(
    await mustBeRefused(
      link,
      signal,
      "delete",
      "a locked version cannot be deleted",
      "the store deleted a version that was under lock",
      (client, sdk, options) => client.send(new sdk.DeleteObjectCommand({ ...link.common, ...object }), options),
    ),
  );
  if (probing.mode === "compliance") {
    const change = (probe: string, good: string, bad: string, mode: "COMPLIANCE" | "GOVERNANCE", date: Date): Promise<ProbeAnswer> =>
      mustBeRefused(link, signal, probe, good, bad, (client, sdk, options) =>
        client.send(
          new sdk.PutObjectRetentionCommand({ ...link.common, ...object, ChecksumAlgorithm: "SHA256", Retention: { Mode: mode, RetainUntilDate: date } }),
          options,
        ),
      );
    answers.push(
      await change(
        "downgrade",
        "a compliance lock cannot become a governance lock",
        "the store turned a compliance lock into a governance lock",
        "GOVERNANCE",
        until,
      ),
    );
    answers.push(
      await change(
        "shorten",
        "a compliance lock cannot be shortened",
        "the store let a COMPLIANCE lock be shortened: its locks can be taken away",
        "COMPLIANCE",
        wholeSecond(now + shortenedMs),
      ),
    );
  }
  if (link.options.expectedOwner !== null) answers.push(await probeOwner(link, object, signal));
  return answers;
}

async function probeWrite(
  link: S3Link,
  probing: Probing,
  key: string,
  until: Date,
  signal: AbortSignal,
): Promise<{ readonly answer: ProbeAnswer; readonly object: S3Object | null }> {
  const probe = "write";
  const body = Buffer.from("holdfast sentinel\n");
  let object: S3Object | null = null;
  const answer = await asked(probe, signal, async () => {
    const put = await link.ask({
      what: "store a sentinel",
      signal,
      send: (client, sdk, options) =>
        client.send(
          new sdk.PutObjectCommand({
            ...link.common,
            Key: key,
            Body: body,
            ChecksumSHA256: createHash("sha256").update(body).digest("base64"),
            IfNoneMatch: "*",
            ObjectLockMode: probing.mode === "compliance" ? "COMPLIANCE" : "GOVERNANCE",
            ObjectLockRetainUntilDate: until,
            ...(probing.kmsKey === null ? {} : { ServerSideEncryption: "aws:kms", SSEKMSKeyId: probing.kmsKey }),
          }),
          options,
        ),
    });
    const version = versionOf(put.VersionId);
    if (version === null)
      return { probe, ok: false, fatal: true, text: `the store took ${key} and named no version (request ${idsOf(put).join() || "unknown"})` };
    object = { Key: key, VersionId: version };
    return { probe, ok: true, fatal: true, text: `a sentinel was stored under lock: ${key}, version ${version}` };
  });
  return { answer, object };
}

async function probeReadBack(link: S3Link, object: S3Object, mode: "compliance" | "governance", until: Date, signal: AbortSignal): Promise<ProbeAnswer> {
  const probe = "read-back";
  const read = await readRetention(link, object, signal);
  if (read.kind !== "locked")
    return {
      probe,
      ok: false,
      fatal: true,
      text: read.kind === "none" ? "the store accepted a lock and shows none" : `the lock cannot be read back: ${read.text}`,
    };
  const same = read.mode === mode && Date.parse(read.retainUntil) === until.getTime();
  return {
    probe,
    ok: same,
    fatal: true,
    text: same
      ? `the store shows ${mode} until ${read.retainUntil}`
      : `${mode} until ${rfc3339(until)} was asked, the store shows ${read.mode} until ${read.retainUntil}`,
  };
}

async function probeOverwrite(link: S3Link, key: string, signal: AbortSignal): Promise<ProbeAnswer> {
  const probe = "never over anything";
  try {
    await link.ask({
      what: "store a second sentinel",
      signal,
      send: (client, sdk, options) =>
        client.send(new sdk.PutObjectCommand({ ...link.common, Key: key, Body: Buffer.from("over"), ChecksumAlgorithm: "SHA256", IfNoneMatch: "*" }), options),
    });
  } catch (error) {
    signal.throwIfAborted();
    const refused = troubleOf(error) === "taken";
    return {
      probe,
      ok: refused,
      fatal: true,
      text: refused
        ? "a key that is taken is refused (If-None-Match)"
        : `whether a taken key is refused could not be seen: ${codeOf(error)}: ${describeError(error)}`,
    };
  }
  return { probe, ok: false, fatal: true, text: "the store ignores If-None-Match: it would put a second version over evidence" };
}

function wholeSecond(ms: number): Date {
  return new Date(Math.ceil(ms / 1000) * 1000);
}
