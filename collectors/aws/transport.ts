import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import type { Clock } from "../../src/core/ports.ts";
import { type CallName, rowOf } from "./calls.ts";
import type { ServiceName } from "./link.ts";
import { type ClientConfig, loadSdk, type Sdk, type SdkClient, serviceOf } from "./sdk.ts";
import type { Session } from "./session.ts";
import { type Seen, watch } from "./wire.ts";

/** One call, as it is tried again and again. */
export type Request = {
  readonly session: Session;
  readonly region: string;
  readonly name: CallName;
  readonly input: object;
  readonly signal: AbortSignal;
  readonly keepWire: boolean;
  readonly patience: number;
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

  async function once(request: Request): Promise<Tried> {
    const { service, operation } = serviceOf(request.name);
    const { changes } = rowOf(request.name);
    const sdk = await sdkOf(service);
    const key = `${request.session.scope} ${request.region} ${service} ${changes}`;
    const client = clients.get(key) ?? sdk.make({ ...config(request.region, changes), credentials: request.session.credentials });
    clients.set(key, client);
    const command = sdk.command(operation, request.input);
    const seen = watch(command, request.name, request.keepWire, clock);
    // A timer that is cleared, not AbortSignal.timeout and any(): those would outlive thousands of quick calls.
    const attempt = new AbortController();
    const cut = (): void => attempt.abort();
    const timer = setTimeout(cut, Math.ceil(timeoutMs * request.patience));
    request.signal.addEventListener("abort", cut, { once: true });
    try {
      const output = await client.send(command, { abortSignal: attempt.signal });
      return { ok: true, value: await request.read(output), seen };
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
      for (const client of clients.values()) client.destroy();
      for (const { httpAgent, httpsAgent } of [kept, fresh]) {
        httpAgent.destroy();
        httpsAgent.destroy();
      }
    },
  };
}

function agents(keepAlive: boolean): { readonly httpAgent: HttpAgent; readonly httpsAgent: HttpsAgent } {
  return { httpAgent: new HttpAgent({ keepAlive, maxSockets: sockets }), httpsAgent: new HttpsAgent({ keepAlive, maxSockets: sockets }) };
}
