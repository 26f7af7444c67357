/** Who an access key belongs to, as GetCallerIdentity says it. */
export type Caller = {
  readonly accessKeyId: string;
  readonly account: string;
  readonly arn: string;
  readonly userId: string;
};

export type FakeKey = Caller & {
  readonly secretAccessKey: string;
  /** Session keys only: what X-Amz-Security-Token must say. */
  readonly sessionToken?: string;
  /** Session keys only: refused as expired from then on. */
  readonly expires?: Date;
  /** Session keys only: the tags of the session, as AssumeRole was given them. */
  readonly sessionTags?: Readonly<Record<string, string>>;
};

export type KeyRing = {
  /** Keys issued later (STS AssumeRole), or the same key anew (a shorter life). */
  register(key: FakeKey): void;
  find(accessKeyId: string): FakeKey | null;
  /** From now on the key is unknown, as a disabled or deleted one is. */
  remove(accessKeyId: string): void;
};

export function makeKeyRing(keys: readonly FakeKey[]): KeyRing {
  const known = new Map(keys.map((key) => [key.accessKeyId, key]));
  return {
    register: (key) => void known.set(key.accessKeyId, key),
    find: (id) => known.get(id) ?? null,
    remove: (id) => void known.delete(id),
  };
}

/** A long-lived key of a user in an account: what most tests start with. */
export function userKey(account: string, user: string): FakeKey {
  return {
    accessKeyId: `AKIA${account}${user.toUpperCase()}`.slice(0, 20).padEnd(20, "A"),
    secretAccessKey: `secret of ${user} in ${account}`,
    account,
    arn: `arn:aws:iam::${account}:user/${user}`,
    userId: `AIDA${account}${user.toUpperCase()}`.slice(0, 21).padEnd(21, "A"),
  };
}
