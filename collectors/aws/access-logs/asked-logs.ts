import { HoldfastError } from "../../../src/core/error.ts";

/** Logs that the case names by `--log ARN`. */
export type AskedLog =
  | { readonly kind: "bucket"; readonly bucket: string }
  | { readonly kind: "balancer"; readonly arn: string; readonly region: string; readonly account: string; readonly name: string }
  | { readonly kind: "group"; readonly arn: string; readonly region: string; readonly group: string };

/** Throws `usage` where it is none of the three. */
export function parseAskedLog(text: string): AskedLog {
  const [, bucket] = /^arn:aws[a-z-]*:s3:::([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])$/.exec(text) ?? [];
  if (bucket !== undefined) return { kind: "bucket", bucket };
  const [, region, account, name] =
    /^arn:aws[a-z-]*:elasticloadbalancing:([a-z0-9-]+):(\d{12}):loadbalancer\/((?:app|net|gwy)\/[A-Za-z0-9-]+\/[0-9a-f]+)$/.exec(text) ?? [];
  if (region !== undefined && account !== undefined && name !== undefined) return { kind: "balancer", arn: text, region, account, name };
  const [, arn, groupRegion, group] = /^(arn:aws[a-z-]*:logs:([a-z0-9-]+):\d{12}:log-group:([A-Za-z0-9._/#-]{1,512}))(?::\*)?$/.exec(text) ?? [];
  if (arn !== undefined && groupRegion !== undefined && group !== undefined) return { kind: "group", arn, region: groupRegion, group };
  throw new HoldfastError(
    "usage",
    `--log: ${JSON.stringify(text)} is no log that can be taken; write the ARN of a bucket (arn:aws:s3:::NAME), of a load balancer or of a log group`,
  );
}
