import type { FakeKey, KeyRing } from "./key-ring.ts";
import { AwsRefusal, type Protocol } from "./service.ts";

export type Scope = { readonly accessKeyId: string; readonly region: string; readonly service: string };

/** The credential scope of a SigV4 request, signed in headers or in the query; null where there is none. */
export function scopeOf(authorization: string | undefined, query: URLSearchParams): Scope | null {
  const credential = /Credential=([^,\s]+)/.exec(authorization ?? "")?.[1] ?? query.get("X-Amz-Credential") ?? "";
  const [accessKeyId, day, region, service, end] = credential.split("/");
  if (accessKeyId === undefined || day === undefined || region === undefined || service === undefined || end !== "aws4_request") return null;
  return { accessKeyId, region, service };
}

/** The key of a call, or the refusal that this protocol gives for one that is unknown, of another session, or expired. */
export function keyOf(keys: KeyRing, scope: Scope, token: string | undefined, protocol: Protocol, now: Date): FakeKey {
  const key = keys.find(scope.accessKeyId);
  if (key === null || key.sessionToken !== token) throw refusals[protocol].unknown();
  if (key.expires !== undefined && key.expires.getTime() <= now.getTime()) throw refusals[protocol].expired();
  return key;
}

const invalid = "The security token included in the request is invalid.";
const expired = "The security token included in the request is expired";
const refusals: Readonly<Record<Protocol, { readonly unknown: () => AwsRefusal; readonly expired: () => AwsRefusal }>> = {
  ec2: {
    unknown: () => new AwsRefusal("AuthFailure", "AWS was not able to validate the provided access credentials", 401),
    expired: () => new AwsRefusal("RequestExpired", "Request has expired.", 400),
  },
  query: {
    unknown: () => new AwsRefusal("InvalidClientTokenId", invalid, 403),
    expired: () => new AwsRefusal("ExpiredToken", expired, 403),
  },
  json: {
    unknown: () => new AwsRefusal("UnrecognizedClientException", invalid, 400),
    expired: () => new AwsRefusal("ExpiredTokenException", expired, 400),
  },
  "rest-json": {
    unknown: () => new AwsRefusal("UnrecognizedClientException", invalid, 403),
    expired: () => new AwsRefusal("ExpiredTokenException", expired, 403),
  },
};
