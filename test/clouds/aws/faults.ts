/**
 * Scripted misfortune per operation of the stand-in.
 *
 *     fake.faults.add({ on: "ec2:CreateSnapshots", does: { kind: "lost-answer" } });                       // once
 *     fake.faults.add({ on: "ebs:GetSnapshotBlock", times: 20, does: { kind: "throttle" } });
 *     fake.faults.add({ on: "ec2:*", account: evidence, times: Number.POSITIVE_INFINITY, does: { kind: "deny" } });
 *     fake.faults.limit("ebs:GetSnapshotBlock", { perSecond: 1000 });  fake.faults.latencyMs = 100;
 *
 * Each rule counts the calls that match it; it acts on those from `from` (default the first) for `times` (default once). The
 * first rule that acts wins.
 */
import { AwsRefusal, type Call, type Protocol } from "./service.ts";

export type FaultAction =
  /** Refused as the protocol's throttle; `code` for another one that this service has. */
  | { readonly kind: "throttle"; readonly code?: string; readonly fields?: Readonly<Record<string, unknown>> }
  /** UnauthorizedOperation, AccessDenied or AccessDeniedException. */
  | { readonly kind: "deny" }
  | { readonly kind: "refuse"; readonly code: string; readonly message?: string; readonly status?: number }
  /** 5xx, nothing done. */
  | { readonly kind: "server-error"; readonly status?: number }
  /** The connection is reset and nothing was done. */
  | { readonly kind: "reset-before" }
  /** It is done, and the connection is reset in place of the answer. */
  | { readonly kind: "lost-answer" }
  /** It is done, and the connection is reset after so many bytes of the answer's body. */
  | { readonly kind: "cut-answer"; readonly bytes: number }
  /** Nothing moves for that long, then all goes on. */
  | { readonly kind: "delay"; readonly milliseconds: number };

export type FaultRule = {
  /** `service:Operation`, `service:*` or `*`. */
  readonly on: string;
  readonly account?: string;
  readonly when?: (call: Call) => boolean;
  readonly from?: number;
  readonly times?: number;
  readonly does: FaultAction;
};

export type RateLimit = { readonly perSecond: number /** Calls at once after a rest; one second's worth unless said. */; readonly burst?: number };

export type Faults = {
  /** Added to every call. */
  latencyMs: number;
  /** What acted, in order. */
  readonly fired: readonly { readonly call: string; readonly kind: FaultAction["kind"] | "rate" }[];
  add(rule: FaultRule): void;
  clear(): void;
  /** Over all accounts, for `service:Operation` or `service:*`; null lifts it. */
  limit(on: string, rate: RateLimit | null): void;
};

export type FaultDesk = Faults & {
  /** What is to happen to this call; a limit that is hit comes before any rule. */
  choose(call: Call): FaultAction | null;
};

export function makeFaults(): FaultDesk {
  let rules: { readonly rule: FaultRule; matched: number }[] = [];
  const buckets = new Map<string, { readonly rate: RateLimit; tokens: number; at: number }>();
  const fired: { call: string; kind: FaultAction["kind"] | "rate" }[] = [];
  return {
    latencyMs: 0,
    fired,
    add: (rule) => void rules.push({ rule, matched: 0 }),
    clear: () => {
      rules = [];
      buckets.clear();
    },
    limit: (on, rate) => {
      if (rate === null) buckets.delete(on);
      else buckets.set(on, { rate, tokens: rate.burst ?? rate.perSecond, at: performance.now() });
    },
    choose: (call) => {
      const name = `${call.service}:${call.operation}`;
      for (const bucket of [buckets.get(name), buckets.get(`${call.service}:*`)]) {
        if (bucket === undefined) continue;
        const now = performance.now();
        const { perSecond, burst } = bucket.rate;
        bucket.tokens = Math.min(burst ?? perSecond, bucket.tokens + ((now - bucket.at) / 1000) * perSecond);
        bucket.at = now;
        if (bucket.tokens < 1) {
          fired.push({ call: name, kind: "rate" });
          return { kind: "throttle" };
        }
        bucket.tokens -= 1;
      }
      let chosen: FaultAction | null = null;
      for (const entry of rules) {
        const { rule } = entry;
        if (rule.on !== "*" && rule.on !== name && rule.on !== `${call.service}:*`) continue;
        if (rule.account !== undefined && rule.account !== call.account) continue;
        if (rule.when?.(call) === false) continue;
        entry.matched += 1;
        const from = rule.from ?? 1;
        if (chosen === null && entry.matched >= from && entry.matched < from + (rule.times ?? 1)) chosen = rule.does;
      }
      if (chosen !== null) fired.push({ call: name, kind: chosen.kind });
      return chosen;
    },
  };
}

/** The refusal that an action stands for; null for those that are not refusals. */
export function refusalOf(action: FaultAction, protocol: Protocol, call: Call): AwsRefusal | null {
  switch (action.kind) {
    case "throttle":
      return throttled(protocol, call, action.code, action.fields);
    case "deny":
      return denied(protocol, call);
    case "refuse":
      return new AwsRefusal(action.code, action.message ?? action.code, action.status ?? 400);
    case "server-error":
      return serverError(protocol, action.status);
    case "reset-before":
    case "lost-answer":
    case "cut-answer":
    case "delay":
      return null;
    default:
      return action satisfies never;
  }
}

function throttled(protocol: Protocol, call: Call, code?: string, fields?: Readonly<Record<string, unknown>>): AwsRefusal {
  switch (protocol) {
    case "ec2":
      return new AwsRefusal(code ?? "RequestLimitExceeded", "Request limit exceeded.", 503);
    case "query":
      return new AwsRefusal(code ?? "Throttling", "Rate exceeded", 400);
    case "json":
      return new AwsRefusal(code ?? "ThrottlingException", "Rate exceeded", 400, fields);
    case "rest-json":
      // The one of EBS direct (facts/aws §1.4); its other throttles come by `code`.
      return call.service === "ebs" && code === undefined
        ? new AwsRefusal("RequestThrottledException", "The request was throttled", 400, { Reason: "ACCOUNT_THROTTLED" })
        : new AwsRefusal(code ?? "ThrottlingException", "Rate exceeded", 400, fields);
    default:
      return protocol satisfies never;
  }
}

export function denied(protocol: Protocol, call: Call): AwsRefusal {
  const sentence = `User: ${call.caller.arn} is not authorized to perform: ${call.service}:${call.operation}`;
  switch (protocol) {
    case "ec2":
      return new AwsRefusal("UnauthorizedOperation", `You are not authorized to perform this operation. ${sentence}`, 403);
    case "query":
      return new AwsRefusal("AccessDenied", sentence, 403);
    case "json":
      return new AwsRefusal("AccessDeniedException", sentence, 400);
    case "rest-json":
      return new AwsRefusal("AccessDeniedException", sentence, 403, call.service === "ebs" ? { Reason: "UNAUTHORIZED_ACCOUNT" } : {});
    default:
      return protocol satisfies never;
  }
}

function serverError(protocol: Protocol, status = 500): AwsRefusal {
  const code = { ec2: "InternalError", query: "InternalFailure", json: "InternalServerError", "rest-json": "InternalServerException" }[protocol];
  return new AwsRefusal(code, "An internal error has occurred", status);
}
