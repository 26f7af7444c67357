import type { Clock } from "../../../src/core/ports.ts";
import type { Observed } from "./link.ts";
import type { ClientConfig, Credentials, Sdk } from "./sdk.ts";

export type Keys = { readonly accessKeyId: string; readonly secretAccessKey: string; readonly sessionToken?: string };
export type Lease = { readonly keys: Keys; readonly expires: Date | null };

/** Credentials in one name: those of the default chain, or of a role. */
export type Session = {
  readonly scope: Observed["scope"];
  /** What clients sign with: asked anew for every request. */
  readonly credentials: Credentials;
  /** Counts the renewals: who was refused with older keys only has to ask again. */
  readonly generation: () => number;
  /** From now on other keys are got, unless somebody already did. */
  readonly renew: (generation: number) => void;
  /** Whether a service ever took these credentials. */
  answered: boolean;
};

/** Credentials are renewed this long before their end, so that no request is signed with keys that end under way. */
const early = 5 * 60_000;
/** A chain may give the same keys again until shortly before their end: it is not asked for every request. */
const pause = 30_000;

export function openSession(scope: Session["scope"], clock: Clock, get: () => Promise<Lease>): Session {
  type Held = { readonly lease: Promise<Lease>; askedAt: number };
  let held: Held | null = null;
  let generation = 0;

  function ask(instead: Held | null): Promise<Lease> {
    const asked: Held = { lease: get(), askedAt: clock().getTime() };
    held = asked;
    // A failure is told to who waits for it and not kept for who comes later.
    asked.lease.catch(() => {
      if (held === asked) held = instead;
    });
    return asked.lease;
  }

  async function current(): Promise<Lease> {
    const known = held;
    if (known === null) return ask(null);
    const lease = await known.lease;
    if (held !== known) return current();
    const now = clock().getTime();
    const left = lease.expires === null ? Number.POSITIVE_INFINITY : lease.expires.getTime() - now;
    if (left >= early || now - known.askedAt < pause) return lease;
    known.askedAt = now;
    // Keys that still work are better than none: whoever refuses new ones may relent.
    return left > 0 ? ask(known).catch(() => lease) : ask(null);
  }

  return {
    scope,
    answered: false,
    generation: () => generation,
    renew: (known) => {
      if (known !== generation) return;
      generation += 1;
      held = null;
    },
    // The SDK keeps what has no end or a distant one. With an end long past it asks for every request, and only we decide.
    credentials: async () => ({ ...(await current()).keys, expiration: new Date(0) }),
  };
}

/** The SDK's default chain, taken out of a client that is made for nothing else: a new one forgets what the old one remembered. */
export function defaultChain(sdk: () => Promise<Sdk>, config: ClientConfig): () => Promise<Lease> {
  return async () => {
    const client = (await sdk()).make(config);
    const found = await client.config.credentials();
    const keys = { accessKeyId: found.accessKeyId, secretAccessKey: found.secretAccessKey };
    return {
      keys: found.sessionToken === undefined ? keys : { ...keys, sessionToken: found.sessionToken },
      expires: found.expiration ?? null,
    };
  };
}
