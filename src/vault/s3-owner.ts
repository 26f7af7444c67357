import type { S3Link } from "./s3-link.ts";
import { troubleOf } from "./s3-trouble.ts";

/**
 * Whether the bucket belongs to this account: S3 refuses a request whose expected owner is another (facts/aws §0,
 * ExpectedBucketOwner). A store that takes any owner says nothing, so that one that nobody has is asked for as well.
 */
export async function bucketOwnedBy(link: S3Link, account: string, signal: AbortSignal): Promise<"yes" | "no" | "unknown"> {
  const takes = async (owner: string | null): Promise<boolean> => {
    const Bucket = link.options.bucket;
    try {
      await link.ask({
        what: "ask whose bucket it is",
        signal,
        send: (client, sdk, options) =>
          client.send(new sdk.GetBucketVersioningCommand(owner === null ? { Bucket } : { Bucket, ExpectedBucketOwner: owner }), options),
      });
      return true;
    } catch (error) {
      if (troubleOf(error) === "denied") return false;
      throw error;
    }
  };
  const nobody = account === "000000000000" ? "000000000001" : "000000000000";
  if (await takes(account)) return (await takes(nobody)) ? "unknown" : "yes";
  return (await takes(null)) ? "no" : "unknown";
}
