import type { Json } from "../../../src/core/act.ts";
import type { Done, StepContext } from "../../../src/core/collector.ts";
import type { Aws } from "../aws.ts";
import { bad, fields, parseNo, texts } from "./kept.ts";
import { type No, no, refusedBy, shows, type Trail, undone } from "./no.ts";
import { associationsOf, isThere, lookAtRole, revocation, revocationName, revocationOn, type RoleLook } from "./role.ts";

type IdentityBefore = No | { readonly kind: "none" } | ({ readonly kind: "role" } & RoleLook);

export async function identityBefore(aws: Aws, signal: AbortSignal): Promise<IdentityBefore> {
  const look = await lookAtRole(aws, signal);
  if (look.kind === "no") return look;
  return look.value === null ? { kind: "none" } : { kind: "role", ...look.value };
}

/** First no new credentials, then none of the old: the other way round the instance could fetch itself new ones in between. */
export async function isolateIdentity(aws: Aws, given: Json, at: StepContext, signal: AbortSignal): Promise<Done> {
  const before = parseIdentityBefore(given);
  if (before.kind === "no") return undone("the role is as it was", [before], null, []);
  if (before.kind === "none")
    return { kind: "already", detail: "the instance has no instance profile, so no role to take from it", result: null, requestIds: [] };
  const trail: Trail = { ids: [] };
  const detached = await detach(aws, before, trail, signal);
  const revoked = before.role === null ? null : await revoke(aws, before.role, at, trail, signal);
  const troubles = [detached, revoked].filter((one) => one !== null);
  const result = { detached: detached === null, revoked: revoked === null && before.role !== null };
  if (!result.detached && !result.revoked) return undone("the role is as it was", troubles, result, trail.ids);
  const detail = [
    ...(result.detached ? [`profile ${before.profile} is detached: the instance gets no new credentials`] : []),
    ...(result.revoked
      ? [`all sessions of role ${before.role} issued until now are denied everything${sharedText(before)}; AWS may take some seconds to apply it everywhere`]
      : []),
    ...troubles.map(({ text }) => `NOT done: ${text}`),
  ].join(". ");
  return { kind: troubles.length === 0 ? "done" : "failed", detail, result, requestIds: trail.ids };
}

export function sharedText({ sharing, others }: Pick<RoleLook, "sharing" | "others">): string {
  if (sharing === 0) return "";
  const named = others.slice(0, 20).join(", ");
  return `, those of ${sharing} other instances with the same profile too, until they fetch new ones (${named}${sharing > 20 ? "…" : ""})`;
}

async function detach(aws: Aws, { profile }: RoleLook, trail: Trail, signal: AbortSignal): Promise<No | null> {
  const call = "ec2:DisassociateIamInstanceProfile";
  let asked = false;
  let refusal: No | null = null;
  const gone = await shows(
    async () => {
      const now = await associationsOf(aws, [aws.instance.instance], signal);
      if (now.kind === "no") return now;
      const there = now.value.find(isThere);
      if (there?.AssociationId === undefined) return true;
      // Another one than before is not what was decided about.
      if (there.IamInstanceProfile?.Arn !== profile) return no(`the instance has profile ${there.IamInstanceProfile?.Arn ?? "?"} by now, not ${profile}`);
      if (asked) return refusal ?? false;
      asked = true;
      const answer = await aws.link.ask("source", null, call, { AssociationId: there.AssociationId }, signal);
      if (answer.kind === "answer") trail.ids.push(answer.requestId);
      else if (answer.trouble === "denied") return refusedBy(answer);
      else refusal = refusedBy(answer);
      return false;
    },
    aws.sleep,
    signal,
  );
  if (gone === true) return null;
  return gone === false ? (refusal ?? no(`EC2 accepted that profile ${profile} is taken away and still shows it`)) : gone;
}

async function revoke(aws: Aws, role: string, at: StepContext, trail: Trail, signal: AbortSignal): Promise<No | null> {
  const name = revocationName(at.collection);
  const there = await revocationOn(aws, role, name, signal);
  if (there.kind === "no") return there;
  // An earlier attempt's, put after the profile had gone. Whoever saw the collection's name in the account may have put another there,
  // that denies nothing: it is replaced.
  if (there.value.document !== null && there.value.document === at.remembered()) return null;
  // By AWS's clock, since sessions carry its time, in whole seconds: by ours, old ones could live on, or new ones be denied.
  const theirs = there.value.date === null ? Number.NaN : Date.parse(there.value.date);
  const document = revocation(new Date((Number.isNaN(theirs) ? aws.clock().getTime() : theirs) + 1000));
  at.remember(document);
  const put = await aws.link.ask("source", null, "iam:PutRolePolicy", { RoleName: role, PolicyName: name, PolicyDocument: document }, signal);
  if (put.kind === "refused") return refusedBy(put);
  trail.ids.push(put.requestId);
  const seen = await shows(
    async () => {
      const now = await revocationOn(aws, role, name, signal);
      return now.kind === "no" ? now : now.value.document === document;
    },
    aws.sleep,
    signal,
  );
  if (seen === true) return null;
  return seen === false ? no(`IAM accepted policy ${name} on role ${role} and does not show it`) : seen;
}

/** The profile that it had, unless it has another by now, and the role without our policy. */
export async function undoIdentity(aws: Aws, given: Json, at: StepContext, signal: AbortSignal): Promise<Done> {
  const before = given === null ? null : parseIdentityBefore(given);
  if (before?.kind !== "role") return { kind: "already", detail: "nothing was taken from the instance", result: null, requestIds: [] };
  const trail: Trail = { ids: [] };
  const name = revocationName(at.collection);
  const troubles: No[] = [];
  if (before.role !== null) {
    const gone = await aws.link.ask("source", null, "iam:DeleteRolePolicy", { RoleName: before.role, PolicyName: name }, signal);
    if (gone.kind === "answer") trail.ids.push(gone.requestId);
    else if (gone.trouble !== "missing") troubles.push(refusedBy(gone));
  }
  const attached = await attach(aws, before.profile, trail, signal);
  if (attached !== null) troubles.push(attached);
  if (troubles.length > 0 && trail.ids.length === 0) return undone("the role was not given back", troubles, null, []);
  if (troubles.length > 0) return { ...undone("not all was given back", troubles, null, trail.ids), kind: "failed" };
  if (trail.ids.length === 0) return { kind: "already", detail: `profile ${before.profile} is there, and no policy of ours`, result: null, requestIds: [] };
  const detail = `the instance has profile ${before.profile}, and ${before.role === null ? "it has no role" : `role ${before.role} is without ${name}`}; sessions of before live again until they expire`;
  return { kind: "done", detail, result: null, requestIds: trail.ids };
}

async function attach(aws: Aws, profile: string, trail: Trail, signal: AbortSignal): Promise<No | null> {
  const call = "ec2:AssociateIamInstanceProfile";
  let refusal: No | null = null;
  const back = await shows(
    async () => {
      const now = await associationsOf(aws, [aws.instance.instance], signal);
      if (now.kind === "no") return now;
      const there = now.value.find(isThere)?.IamInstanceProfile?.Arn;
      if (there !== undefined) return there === profile || no(`the instance has profile ${there} by now; it was left, and ${profile} not attached`);
      if (now.value.length > 0) return false; // the old one is still on its way out
      // A repeat after a lost answer is refused, since there is one by then.
      const answer = await aws.link.ask("source", null, call, { InstanceId: aws.instance.instance, IamInstanceProfile: { Arn: profile } }, signal, {
        settle: async () => null,
      });
      if (answer.kind === "answer") trail.ids.push(answer.requestId);
      else if (answer.trouble === "conflict") refusal = refusedBy(answer);
      else return refusedBy(answer);
      return false;
    },
    aws.sleep,
    signal,
  );
  if (back === true) return null;
  return back === false ? (refusal ?? no(`EC2 accepted profile ${profile} and does not show it`)) : back;
}

function parseIdentityBefore(given: Json): IdentityBefore {
  const { kind, association, profile, role, sharing, others } = fields(given);
  if (kind === "no") return parseNo(given);
  if (kind === "none") return { kind };
  if (
    kind !== "role" ||
    typeof association !== "string" ||
    typeof profile !== "string" ||
    (role !== null && typeof role !== "string") ||
    typeof sharing !== "number"
  )
    throw bad("a role");
  return { kind, association, profile, role, sharing, others: texts(others) };
}
