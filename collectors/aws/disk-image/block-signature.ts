import { createHmac, hash } from "node:crypto";
import type { Keys } from "../client/session.ts";

/** A request without a body: what Signature Version 4 is about. */
export type PlainGet = {
  readonly host: string;
  /** Of characters that need no encoding. */
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
};

export type SignedGet = {
  /** Path and query, encoded as they were signed. */
  readonly target: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
};

const nothing = hash("sha256", "", "hex");

/** Signature Version 4 in headers (IAM User Guide, "Create a signed AWS API request"). Keeps the day's key of the last keys it signed with. */
export function signer(region: string, service: string): (get: PlainGet, keys: Keys, now: Date) => SignedGet {
  let known: { readonly secret: string; readonly day: string; readonly key: Buffer } | null = null;

  function keyOf(secret: string, day: string): Buffer {
    if (known?.secret === secret && known.day === day) return known.key;
    let key = mac(`AWS4${secret}`, day);
    for (const step of [region, service, "aws4_request"]) key = mac(key, step);
    known = { secret, day, key };
    return key;
  }

  return ({ host, path, query }, keys, now) => {
    const stamp = now.toISOString().replaceAll(/[-:]|\.\d+/g, "");
    const day = stamp.slice(0, 8);
    const headers: (readonly [string, string])[] = [
      ["host", host],
      ["x-amz-date", stamp],
    ];
    if (keys.sessionToken !== undefined) headers.push(["x-amz-security-token", keys.sessionToken]);
    const names = headers.map(([name]) => name).join(";");
    const search = Object.entries(query)
      .map(([name, value]) => `${encode(name)}=${encode(value)}`)
      .sort()
      .join("&");
    const canonical = ["GET", path, search, ...headers.map(([name, value]) => `${name}:${value}`), "", names, nothing].join("\n");
    const scope = `${day}/${region}/${service}/aws4_request`;
    const text = ["AWS4-HMAC-SHA256", stamp, scope, hash("sha256", canonical, "hex")].join("\n");
    const signature = mac(keyOf(keys.secretAccessKey, day), text).toString("hex");
    headers.push(["authorization", `AWS4-HMAC-SHA256 Credential=${keys.accessKeyId}/${scope}, SignedHeaders=${names}, Signature=${signature}`]);
    return { target: `${path}?${search}`, headers };
  };
}

function mac(key: string | Buffer, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}

/** RFC 3986: what encodeURIComponent leaves and a signature does not. */
function encode(text: string): string {
  return encodeURIComponent(text).replaceAll(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}
