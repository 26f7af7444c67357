import type { Json } from "../../../src/core/act.ts";
import type { Done, StepContext } from "../../../src/core/collector.ts";
import { HoldfastError } from "../../../src/core/error.ts";
import type { Aws } from "../aws.ts";
import { fields, texts } from "./kept.ts";
import { type Got, got, type No, no, refusedBy, shows, type Trail, undone } from "./no.ts";

/** Active access keys by user; what could not be looked at says why. */
export type UsersBefore = { readonly kind: "users"; readonly users: Readonly<Record<string, readonly string[] | No>> };

/** Names of users of this account, from names and ARNs. Rejects with `usage` where one is of another account, or no user. */
export function userNames(aws: Pick<Aws, "account">, given: readonly string[]): readonly string[] {
  const names = given.map((text) => {
    const [, account, path] = /^arn:[a-z-]+:iam::(\d{12}):user\/(.+)$/.exec(text) ?? [];
    if (account !== undefined && account !== aws.account)
      throw new HoldfastError("usage", `--identity-user: ${text} is not of account ${aws.account}, which the target is in`);
    const name = path === undefined ? text : (path.split("/").at(-1) ?? "");
    if (!/^[\w+=,.@-]{1,64}$/.test(name))
      throw new HoldfastError("usage", `--identity-user: ${JSON.stringify(text)} is neither the name nor the ARN of an IAM user`);
    return name;
  });
  return [...new Set(names)];
}

export async function usersBefore(aws: Aws, users: readonly string[], signal: AbortSignal): Promise<UsersBefore> {
  const found: Record<string, readonly string[] | No> = {};
  for (const user of users) {
    const keys = await keysOf(aws, user, signal);
    found[user] = keys.kind === "no" ? keys : activeOf(keys.value);
  }
  return { kind: "users", users: found };
}

/** Every active key of the users is switched off, those made since the look as well. */
export async function disableKeys(aws: Aws, users: readonly string[], at: StepContext, signal: AbortSignal): Promise<Done> {
  const trail: Trail = { ids: [] };
  const troubles: No[] = [];
  let disabled = parseKeys(at.remembered());
  for (const user of users) {
    const now = await keysOf(aws, user, signal);
    if (now.kind === "no") {
      troubles.push(now);
      continue;
    }
    // Before the change: after a crash nobody would know which of them we switched off.
    disabled = { ...disabled, [user]: [...new Set([...(disabled[user] ?? []), ...activeOf(now.value)])] };
    at.remember(disabled);
    for (const key of activeOf(now.value)) {
      const changes = trail.ids.length;
      const trouble = await setKey(aws, user, key, "Inactive", trail, signal);
      if (trouble === null) continue;
      troubles.push(trouble);
      // What was accepted may show later: undo must know of it.
      if (trail.ids.length === changes) disabled = { ...disabled, [user]: (disabled[user] ?? []).filter((id) => id !== key) };
    }
  }
  const count = Object.values(disabled).flat().length;
  const result = { disabled };
  if (troubles.length > 0 && count === 0) return undone("no key was disabled", troubles, result, trail.ids);
  if (troubles.length === 0 && count === 0) return { kind: "already", detail: "the users have no active access key", result, requestIds: [] };
  const detail = [
    `access keys disabled: ${Object.entries(disabled)
      .map(([user, keys]) => `${user}: ${keys.join(", ") || "none"}`)
      .join("; ")}`,
    "NOT touched: passwords, and sessions that were opened with these keys: they live until they expire",
    ...troubles.map(({ text }) => `NOT done: ${text}`),
  ].join(". ");
  return { kind: troubles.length === 0 ? "done" : "failed", detail, result, requestIds: trail.ids };
}

/** Exactly the keys that we switched off, where they are still there and off. */
export async function undoUsers(aws: Aws, done: Done | null, at: StepContext, signal: AbortSignal): Promise<Done> {
  const trail: Trail = { ids: [] };
  const troubles: No[] = [];
  const back: string[] = [];
  const result = done?.result ?? null;
  const disabled = result === null ? parseKeys(at.remembered()) : parseKeys(fields(result)["disabled"]);
  for (const [user, keys] of Object.entries(disabled)) {
    if (keys.length === 0) continue;
    const now = await keysOf(aws, user, signal);
    if (now.kind === "no") {
      troubles.push(now);
      continue;
    }
    for (const key of keys) {
      const status = now.value.get(key);
      if (status === "Active") continue;
      const trouble =
        status === undefined ? no(`key ${key} of ${user} is gone: somebody deleted it since`) : await setKey(aws, user, key, "Active", trail, signal);
      if (trouble === null) back.push(key);
      else troubles.push(trouble);
    }
  }
  if (troubles.length > 0 && back.length === 0) return undone("no key was given back", troubles, null, trail.ids);
  if (back.length === 0) return { kind: "already", detail: "no key that was disabled here is off", result: null, requestIds: [] };
  const detail = [`active again: ${back.join(", ")}`, ...troubles.map(({ text }) => `NOT put back: ${text}`)].join(". ");
  return { kind: troubles.length === 0 ? "done" : "failed", detail, result: { back }, requestIds: trail.ids };
}

async function setKey(aws: Aws, user: string, key: string, status: "Active" | "Inactive", trail: Trail, signal: AbortSignal): Promise<No | null> {
  const answer = await aws.link.ask("source", null, "iam:UpdateAccessKey", { UserName: user, AccessKeyId: key, Status: status }, signal);
  if (answer.kind === "refused") return refusedBy(answer);
  trail.ids.push(answer.requestId);
  const seen = await shows(
    async () => {
      const now = await keysOf(aws, user, signal);
      return now.kind === "no" ? now : now.value.get(key) === status;
    },
    aws.sleep,
    signal,
  );
  if (seen === true) return null;
  return seen === false ? no(`IAM accepted that key ${key} of ${user} is ${status} and does not show it`) : seen;
}

async function keysOf(aws: Aws, user: string, signal: AbortSignal): Promise<Got<ReadonlyMap<string, string>>> {
  const keys = new Map<string, string>();
  for (let marker: string | undefined; ; ) {
    const page = await aws.link.ask("source", null, "iam:ListAccessKeys", { UserName: user, ...(marker === undefined ? {} : { Marker: marker }) }, signal);
    if (page.kind === "refused") return refusedBy(page);
    for (const { AccessKeyId, Status } of page.value.AccessKeyMetadata ?? []) if (AccessKeyId !== undefined) keys.set(AccessKeyId, Status ?? "");
    marker = page.value.IsTruncated === true ? page.value.Marker : undefined;
    if (marker === undefined) return got(keys);
  }
}

function activeOf(keys: ReadonlyMap<string, string>): readonly string[] {
  return [...keys].flatMap(([id, status]) => (status === "Active" ? [id] : []));
}

function parseKeys(value: Json | undefined): Readonly<Record<string, readonly string[]>> {
  if (value === null || value === undefined) return {};
  return Object.fromEntries(Object.entries(fields(value)).map(([user, keys]) => [user, texts(keys)]));
}
