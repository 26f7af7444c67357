import { createRequire } from "node:module";
import type { Clock } from "../../../src/core/ports.ts";
import { NotPlain } from "../disk-image/block-answer.ts";
import { openBlockLines, type Origin } from "../disk-image/block-lines.ts";
import { blockAsker } from "../disk-image/block-request.ts";
import { type CallName, rowOf } from "../calls/calls.ts";
import type { ServiceName } from "./link.ts";
import { type ClientConfig, loadSdk, type Sdk, type SdkClient, serviceOf } from "./sdk.ts";
import type { Session } from "./session.ts";
import { nothingSeen, type Seen, watch } from "./wire.ts";

/** One call, as it is tried again and again. */
export type Request = {
  readonly session: Session;
  readonly region: string;
  readonly name: CallName;
  readonly input: object;
  readonly signal: AbortSignal;
  readonly keepWire: boolean;
  readonly patience: number;
  /** Where the bytes of a block go, and whether it may be asked for without the SDK. */
  readonly room: (() => Uint8Array) | null;
  /** What is made of the SDK's answer while the try's limit still runs: bodies are read here. */
  readonly read: (output: unknown) => Promise<unknown>;
};

export type Tried = { readonly seen: Seen } & ({ readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: unknown });

/** Clients and connections. One try a call: what a failure means is for others to say. */
export type Transport = {
  once(request: Request): Promise<Tried>;
  /** What a client is made of, for the default chain of credentials: of whichever SDK is there already. */
  someSdk(): Promise<Sdk>;
  config(region: string): ClientConfig;
  close(): void;
};

const sockets = 256; // a bound and not a wish: block reads go by their own budget

export function openTransport(endpoint: string | null, clock: Clock, timeoutMs: number): Transport {
  const sdks = new Map<ServiceName, Promise<Sdk>>();
  const clients = new Map<string, SdkClient>();
  const lines = openBlockLines();
  const askers = new Map<string, ReturnType<typeof blockAsker>>();
  const origins = new Map<string, Origin | null>();
  const kept = agents(true);
  // A kept connection that the server closes just then loses the answer; for what changes something, that would cost a look.
  const fresh = agents(false);

  function sdkOf(service: ServiceName): Promise<Sdk> {
    const loaded = sdks.get(service) ?? loadSdk(service);
    sdks.set(service, loaded);
    return loaded;
  }

  function config(region: string, changes = false): ClientConfig {
    return {
      region,
      ...(endpoint === null ? {} : { endpoint }),
      maxAttempts: 1, // a retry needs to know what a lost answer means
      customUserAgent: "holdfast",
      requestHandler: { connectionTimeout: 10_000, ...(changes ? fresh : kept) },
    };
  }

  /** A block goes past the SDK as soon as the SDK has shown where the service is. */
  function quickBlock(request: Request, key: string): ((seen: Seen, signal: AbortSignal) => Promise<unknown>) | null {
    const origin = origins.get(key);
    const { room, region, session, input } = request;
    if (room === null || origin === undefined || origin === null) return null;
    const ask = askers.get(region) ?? blockAsker(lines, region, clock);
    askers.set(region, ask);
    return async (seen, signal) => {
      const { credentials } = session;
      const keys = typeof credentials === "function" ? await credentials() : credentials;
      try {
        return await ask({ origin, input, keys, room, signal }, seen);
      } catch (error) {
        if (error instanceof NotPlain) origins.set(key, null); // the SDK's client from now on
        throw error;
      }
    };
  }

  async function once(request: Request): Promise<Tried> {
    const { service, operation } = serviceOf(request.name);
    const { changes } = rowOf(request.name);
    const key = `${request.session.scope} ${request.region} ${service} ${changes}`;
    const quick = quickBlock(request, key);
    if (quick !== null) {
      const seen = nothingSeen();
      return limited(request, seen, (signal) => quick(seen, signal));
    }
    const sdk = await sdkOf(service);
    const client = clients.get(key) ?? sdk.make({ ...config(request.region, changes), credentials: request.session.credentials });
    clients.set(key, client);
    const command = sdk.command(operation, request.input);
    const seen = watch(command, request.name, request.keepWire, clock);
    const tried = await limited(request, seen, (abortSignal) => client.send(command, { abortSignal }));
    if (tried.ok && seen.origin !== null && !origins.has(key)) origins.set(key, seen.origin);
    return tried;
  }

  /** A timer that is cleared, not AbortSignal.timeout and any(): those would outlive thousands of quick calls. */
  async function limited(request: Request, seen: Seen, send: (signal: AbortSignal) => Promise<unknown>): Promise<Tried> {
    const attempt = new AbortController();
    const cut = (): void => attempt.abort();
    const timer = setTimeout(cut, Math.ceil(timeoutMs * request.patience));
    request.signal.addEventListener("abort", cut, { once: true });
    try {
      return { ok: true, value: await request.read(await send(attempt.signal)), seen };
    } catch (error) {
      return { ok: false, error, seen };
    } finally {
      clearTimeout(timer);
      request.signal.removeEventListener("abort", cut);
    }
  }

  return {
    once,
    config,
    someSdk: () => sdks.values().next().value ?? sdkOf("sts"),
    close() {
      lines.close();
      for (const client of clients.values()) client.destroy();
      for (const { httpAgent, httpsAgent } of [kept, fresh]) {
        httpAgent.destroy();
        httpsAgent.destroy();
      }
    },
  };
}

/** An import would evaluate every export, and with them all of undici: 55 ms of processor time before the first call (measured). */
const { Agent: HttpAgent }: typeof import("node:http") = createRequire(import.meta.url)("node:http");
const { Agent: HttpsAgent }: typeof import("node:https") = createRequire(import.meta.url)("node:https");

function agents(keepAlive: boolean): Pick<ClientConfig["requestHandler"], "httpAgent" | "httpsAgent"> {
  return { httpAgent: new HttpAgent({ keepAlive, maxSockets: sockets }), httpsAgent: new HttpsAgent({ keepAlive, maxSockets: sockets }) };
}
