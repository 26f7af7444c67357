import type { ProbeAnswer } from "../core/vault.ts";
import type { S3Link } from "./s3-link.ts";
import type { S3Object } from "./s3-lock.ts";
import { asked } from "./s3-probe-answer.ts";
import { messageOf, statusOf, troubleOf } from "./s3-trouble.ts";

export async function probeVersioning(link: S3Link, signal: AbortSignal): Promise<ProbeAnswer> {
  const probe = "versioning";
  return asked(probe, signal, async () => {
    const answer = await link.ask({
      what: "read the bucket's versioning",
      signal,
      send: (client, sdk, options) => client.send(new sdk.GetBucketVersioningCommand(link.common), options),
    });
    const on = answer.Status === "Enabled";
    return {
      probe,
      ok: on,
      fatal: true,
      text: on ? "versioning is enabled" : `versioning is ${answer.Status ?? "off"} in ${link.options.bucket}: enable it, Object Lock needs it`,
    };
  });
}

export async function probeLockConfiguration(link: S3Link, signal: AbortSignal): Promise<ProbeAnswer> {
  const probe = "object-lock";
  return asked(probe, signal, async () => {
    const answer = await link.ask({
      what: "read the bucket's Object Lock",
      signal,
      send: (client, sdk, options) => client.send(new sdk.GetObjectLockConfigurationCommand(link.common), options),
    });
    const on = answer.ObjectLockConfiguration?.ObjectLockEnabled === "Enabled";
    return {
      probe,
      ok: on,
      fatal: true,
      text: on ? "Object Lock is enabled" : `Object Lock is not enabled in ${link.options.bucket}: nothing stored there can be sealed`,
    };
  });
}

export async function probeOwner(link: S3Link, object: S3Object, signal: AbortSignal): Promise<ProbeAnswer> {
  const probe = "expected-owner";
  try {
    await link.ask({
      what: "name a wrong owner",
      signal,
      send: (client, sdk, options) => client.send(new sdk.HeadObjectCommand({ ...link.common, ...object, ExpectedBucketOwner: "000000000000" }), options),
    });
  } catch (error) {
    signal.throwIfAborted();
    const refused = troubleOf(error) === "denied" || statusOf(error) === 403;
    return {
      probe,
      ok: refused,
      fatal: false,
      text: refused ? "a wrong bucket owner is refused" : `whether a wrong bucket owner is refused could not be seen: ${messageOf(error)}`,
    };
  }
  return { probe, ok: false, fatal: false, text: "this store ignores expectedOwner: a bucket of the same name in other hands would be taken for yours" };
}
