import type { AwsConfig } from "../../../src/core/config-aws.ts";
import { HoldfastError } from "../../../src/core/error.ts";
import type { Clock, Random } from "../../../src/core/ports.ts";
import { entryOf } from "../../../src/core/shape.ts";
import { leaseOf, type Role } from "./assume-role.ts";
import type { CallName } from "../calls/calls.ts";
import type { Answer, AskOptions, AwsLink, Identity, Observed, Output, Scope } from "./link.ts";
import { persist, type Persistence } from "./persist.ts";
import { defaultChain, openSession, type Session } from "./session.ts";
import { openTransport } from "./transport.ts";
import { collect } from "./wire.ts";

export type AwsLinkOptions = {
  readonly config: AwsConfig;
  /** The target's Region. */
  readonly region: string;
  /** The target's account; null: that of the default chain. */
  readonly account: string | null;
  readonly case: string;
  /** Names role sessions, so that CloudTrail joins to our acts. */
  readonly collection: string;
  readonly clock: Clock;
  readonly random: Random;
  /** Must end early, by rejecting, when the signal is aborted. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly observe?: (call: Observed) => void;
  /** How long one try of a small call may take. Default one minute. */
  readonly timeoutMs?: number;
};

export function openAwsLink(options: AwsLinkOptions): AwsLink {
  const { config } = options;
  const closing = new AbortController();
  const transport = openTransport(config.endpoint, options.clock, options.timeoutMs ?? 60_000);
  const persistence: Persistence = {
    transport,
    endpoint: config.endpoint,
    homes: new Map(),
    random: options.random,
    sleep: options.sleep,
    observe: options.observe ?? null,
    tries: { throttled: 12, broken: 8, first: 4 },
  };
  const base = openSession("base", options.clock, () => defaultChain(() => transport.someSdk(), transport.config(options.region))());
  const account = options.account === null ? undefined : entryOf(config.accounts, options.account);
  const sessions: Readonly<Record<Scope, Session | null>> = {
    source: sessionOf("source", `aws.accounts.${options.account}`, account ?? { role: null, externalId: null }),
    evidence: config.evidenceAccount === null ? null : sessionOf("evidence", "aws.evidenceAccount", config.evidenceAccount),
  };
  const identities = new Map<Scope, Promise<Identity>>();

  function sessionOf(scope: Scope, key: string, { role, externalId }: { readonly role: string | null; readonly externalId: string | null }): Session {
    if (role === null) return base;
    const named: Role = { arn: role, externalId, key };
    const session = openSession(scope, options.clock, () =>
      leaseOf(named, options, session.answered, (input) => send(base, null, "sts:AssumeRole", input, closing.signal, {}, whole)),
    );
    return session;
  }

  /** The one place where the SDK's untyped answer gets the type that the SDK itself gives to this call (link.ts). */
  async function send<N extends CallName, T>(
    session: Session,
    region: string | null,
    name: N,
    input: object,
    signal: AbortSignal,
    { keepWire, patience, room, ...patient }: AskOptions<T>,
    read: (output: Output<N>) => Promise<T>,
  ): Promise<Answer<T>> {
    const request = {
      session,
      region: region ?? options.region,
      name,
      input,
      signal,
      keepWire: keepWire ?? false,
      room: room ?? null,
      patience: patience ?? 1,
      read: read as (output: unknown) => Promise<unknown>,
    };
    return (await persist(persistence, request, patient)) as Answer<T>;
  }

  function sessionIn(scope: Scope): Session {
    const session = sessions[scope];
    if (session === null) throw new HoldfastError("config", "aws.evidenceAccount: there is none in the configuration; name its role and kmsKey");
    return session;
  }

  async function identify(scope: Scope, signal: AbortSignal): Promise<Identity> {
    const answer = await send(sessionIn(scope), null, "sts:GetCallerIdentity", {}, signal, {}, whole);
    const arn = answer.kind === "answer" ? answer.value.Arn : undefined;
    const found = answer.kind === "answer" ? answer.value.Account : undefined;
    if (arn === undefined || found === undefined) throw new HoldfastError("unexpected", `sts:GetCallerIdentity gave no identity for the ${scope} account`);
    if (scope === "source" && options.account !== null && found !== options.account)
      throw new HoldfastError(
        "config",
        `the target is in account ${options.account}, the credentials are ${arn}; name aws.accounts."${options.account}".role in the configuration, or use credentials of that account`,
      );
    return { account: found, arn, partition: arn.split(":")[1] ?? "aws" };
  }

  return {
    region: options.region,
    evidence: config.evidenceAccount === null ? null : { kmsKey: config.evidenceAccount.kmsKey },
    ask: async (scope, region, name, input: object, signal, asked = {}) => send(sessionIn(scope), region, name, input, signal, asked, whole),
    async dryRun(scope, region, name, input: object, signal) {
      return send(sessionIn(scope), region, name, { ...input, DryRun: true }, signal, {}, () => {
        throw new HoldfastError("unexpected", `${name}: a dry run was carried out; what answers is not EC2`);
      });
    },
    askBytes: async (scope, region, name, input: object, limit, signal, asked = {}) =>
      send(sessionIn(scope), region, name, input, signal, asked, async (output) => ({ output, bytes: await collect(bodyOf(output), limit, name) })),
    identity(scope, signal) {
      const known = identities.get(scope) ?? identify(scope, signal);
      identities.set(scope, known);
      known.catch(() => identities.delete(scope)); // the next one asks again
      return known;
    },
    close() {
      closing.abort();
      transport.close();
    },
  };
}

async function whole<T>(output: T): Promise<T> {
  return output;
}

function bodyOf(output: object): unknown {
  return "BlockData" in output ? output.BlockData : "Body" in output ? output.Body : null;
}
