import { HoldfastError } from "../../../src/core/error.ts";
import type { Answer, Output } from "./link.ts";
import type { Lease } from "./session.ts";
import { type Belongs, tagsOf } from "../tags.ts";

export type Role = { readonly arn: string; readonly externalId: string | null /** `aws.accounts.X`, for the error's sentence. */; readonly key: string };

export type AssumeRole = (input: {
  readonly RoleArn: string;
  readonly RoleSessionName: string;
  readonly ExternalId?: string;
  readonly DurationSeconds: number;
  readonly Tags: { readonly Key: string; readonly Value: string }[];
}) => Promise<Answer<Output<"sts:AssumeRole">>>;

/** The longest that a role chained from another role may last. */
const seconds = 3600;

/** A role's credentials, in a session named for the collection: the account's CloudTrail says whose calls they are. `worked`: it did so before, and resuming can. */
export async function leaseOf(role: Role, belongs: Belongs, worked: boolean, ask: AssumeRole): Promise<Lease> {
  const answer = await ask({
    RoleArn: role.arn,
    // The characters of RoleSessionName.
    RoleSessionName: belongs.collection.replaceAll(/[^\w+=,.@-]/g, "-").slice(0, 64),
    ...(role.externalId === null ? {} : { ExternalId: role.externalId }),
    DurationSeconds: seconds,
    Tags: tagsOf(belongs),
  });
  if (answer.kind === "refused")
    throw new HoldfastError(
      worked ? "paused" : "config",
      `${role.key}.role: ${role.arn} may not be assumed (${answer.code}: ${answer.text}); ` +
        `its trust policy must name who runs holdfast, allow sts:AssumeRole and sts:TagSession${role.externalId === null ? "" : ", and expect the configured external id"}`,
    );
  const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = answer.value.Credentials ?? {};
  if (AccessKeyId === undefined || SecretAccessKey === undefined || SessionToken === undefined || Expiration === undefined)
    throw new HoldfastError("unexpected", `${role.key}.role: STS answered AssumeRole of ${role.arn} without credentials`);
  return { keys: { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: SessionToken }, expires: Expiration };
}
