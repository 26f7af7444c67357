/** Who makes a call: the collector in the target's account, the same at `contain`, and what works in the evidence account. */
export const callRoles = ["collector", "evidence", "contain"] as const;
export type CallRole = (typeof callRoles)[number];

/** Operator → condition key → values, as IAM writes it. */
export type Condition = Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;

/**
 * A right that a call needs. Resources and values may hold `{partition}`, `{account}` (the account at hand), `{evidence}` (the
 * evidence account's id) and `{logs}` (a bucket of logs that do not lie under AWSLogs/, such as S3's server access logs).
 */
export type Grant = { readonly permission: string; readonly resources?: readonly string[]; readonly condition?: Condition };

export type CallRow = {
  readonly roles: readonly CallRole[];
  /** Whether it changes something in the account that is asked. */
  readonly changes: boolean;
  readonly why: string;
  /** The IAM action; the call's own name unless said, null where none is needed. */
  readonly permission?: string | null;
  /** ARN patterns; `*` unless said (most of EC2's Describe calls know no resources). */
  readonly resources?: readonly string[];
  readonly condition?: Condition;
  /** Further rights that the service asks for while it answers. */
  readonly also?: readonly Grant[];
  /** The service offers a dry run. */
  readonly dryRun?: true;
  /** Asking again after a lost answer leaves the same state: no settle needed. */
  readonly repeatable?: true;
};
