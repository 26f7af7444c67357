import { S3Error } from "./s3-fake-error.ts";
import type { SignedRequest } from "./s3-fake-signature.ts";
import type { FakeBucket } from "./s3-fake-state.ts";

/**
 * What is signed for another Region than the bucket's is refused, with the right one named: by us-east-1, which once was the door to
 * all Regions, as a signature that does not fit; by the others as a redirection (S3 User Guide, "Request redirection").
 */
export function checkRegion(message: SignedRequest, { name, region }: FakeBucket): void {
  const signedFor = /\/(?:\d{8})\/([^/]+)\/s3\/aws4_request/.exec(message.headers.authorization ?? "")?.[1];
  if (region === null || signedFor === undefined || signedFor === region) return;
  const headers = { "x-amz-bucket-region": region };
  if (signedFor === "us-east-1")
    throw new S3Error(
      400,
      "AuthorizationHeaderMalformed",
      `The authorization header is malformed; the region '${signedFor}' is wrong; expecting '${region}'`,
      [["Region", region]],
      headers,
    );
  throw new S3Error(
    301,
    "PermanentRedirect",
    "The bucket you are attempting to access must be addressed using the specified endpoint. Please send all future requests to this endpoint.",
    [
      ["Endpoint", `${name}.s3.${region}.amazonaws.com`],
      ["Bucket", name],
    ],
    headers,
  );
}
