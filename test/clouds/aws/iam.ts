/** IAM: the role behind an instance with its policies, users with their keys, and what containment changes of both. */
import { encoded, found, iamAccount, type IamAccount, type IamRole, type IamUser, type IamWorld } from "./iam-world.ts";
import { generateReport, getReport } from "./iam-report.ts";
import type { FakeKey, KeyRing } from "./key-ring.ts";
import { requiredText, textOf } from "./params.ts";
import { pageOf, requestOf } from "./pages.ts";
import { AwsRefusal, type Call, type Reply, type Service } from "./service.ts";
import { uniqueId } from "./sts.ts";
import type { XmlObject } from "./wire-xml.ts";

export function iamService(world: IamWorld, keys: KeyRing): Service {
  const put = new Map<string, FakeKey>();
  const of = (call: Call): IamAccount => {
    const account = world.accounts.get(call.account) ?? iamAccount();
    world.accounts.set(call.account, account);
    return account;
  };
  const role = (call: Call): IamRole => {
    const name = requiredText(call.params, "RoleName");
    return found(of(call).roles.get(name), `role with name ${name}`);
  };
  const user = (call: Call): IamUser => {
    const name = textOf(call.params, "UserName") ?? call.caller.arn.split("/").at(-1) ?? "";
    return found(of(call).users.get(name), `user with name ${name}`);
  };
  return {
    name: "iam",
    protocol: "query",
    version: "2010-05-08",
    namespace: "https://iam.amazonaws.com/doc/2010-05-08/",
    operations: {
      GetInstanceProfile: (call) => getInstanceProfile(of(call), call),
      GetRole: (call) => ({ xml: { Role: shownRole(role(call), call.account) } }),
      ListRoleTags: (call) => listed(call, "Tags", tagItems(role(call).tags ?? {})),
      ListAttachedRolePolicies: (call) =>
        listed(
          call,
          "AttachedPolicies",
          role(call).attached.map((arn) => ({ PolicyName: lastOf(arn), PolicyArn: arn })),
        ),
      ListRolePolicies: (call) => listed(call, "PolicyNames", [...role(call).inline.keys()]),
      GetRolePolicy: (call) => ({ xml: { RoleName: role(call).name, ...inlinePolicy(role(call), call) } }),
      PutRolePolicy: (call) => putInline(role(call), call, 10_240),
      DeleteRolePolicy: (call) => deleteInline(role(call), call),
      GetPolicy: (call) => getPolicy(of(call), call),
      GetPolicyVersion: (call) => getPolicyVersion(of(call), call),
      GetUser: (call) => ({ xml: { User: shownUser(user(call), call.account) } }),
      ListUserPolicies: (call) => listed(call, "PolicyNames", [...user(call).inline.keys()]),
      GetUserPolicy: (call) => ({ xml: { UserName: user(call).name, ...inlinePolicy(user(call), call) } }),
      PutUserPolicy: (call) => putInline(user(call), call, 2048),
      DeleteUserPolicy: (call) => deleteInline(user(call), call),
      ListAccessKeys: (call) =>
        listed(
          call,
          "AccessKeyMetadata",
          user(call).keys.map(({ id, status, created }) => ({ UserName: user(call).name, AccessKeyId: id, Status: status, CreateDate: created })),
        ),
      UpdateAccessKey: (call) => updateAccessKey(user(call), keys, put, call),
      GenerateCredentialReport: (call) => generateReport(of(call)),
      GetCredentialReport: (call) => getReport(world, of(call), call.account, call.now),
    },
  };
}

function lastOf(arn: string): string {
  return arn.split("/").at(-1) ?? "";
}

function listed(call: Call, name: string, all: readonly (XmlObject | string)[]): Reply {
  const { items, next } = pageOf(() => all, {
    size: Number(textOf(call.params, "MaxItems") ?? 100),
    token: textOf(call.params, "Marker"),
    request: requestOf(call, "Marker"),
    now: call.now,
    bad: () => new AwsRefusal("ValidationError", "The marker is not valid."),
  });
  return { xml: { IsTruncated: next !== null, [name]: { member: items }, Marker: next } };
}

function getInstanceProfile(account: IamAccount, call: Call): Reply {
  const name = requiredText(call.params, "InstanceProfileName");
  const profile = found(account.profiles.get(name), `Instance Profile ${name}`);
  const role = profile.role === null ? undefined : account.roles.get(profile.role);
  return {
    xml: {
      InstanceProfile: {
        Path: "/",
        InstanceProfileName: name,
        InstanceProfileId: uniqueId("AIPA", `${call.account} ${name}`),
        Arn: `arn:aws:iam::${call.account}:instance-profile/${name}`,
        CreateDate: profile.created,
        Roles: { member: role === undefined ? [] : [shownRole(role, call.account)] },
      },
    },
  };
}

function shownRole(role: IamRole, account: string): XmlObject {
  const path = role.path ?? "/";
  const arn = `arn:aws:iam::${account}:role${path}${role.name}`;
  return {
    Path: path,
    RoleName: role.name,
    RoleId: uniqueId("AROA", arn),
    Arn: arn,
    CreateDate: role.created,
    AssumeRolePolicyDocument: encoded(role.trust),
    MaxSessionDuration: 3600,
    ...(role.tags === undefined ? {} : { Tags: { member: tagItems(role.tags) } }),
  };
}

function shownUser(user: IamUser, account: string): XmlObject {
  const arn = `arn:aws:iam::${account}:user/${user.name}`;
  return { Path: "/", UserName: user.name, UserId: uniqueId("AIDA", arn), Arn: arn, CreateDate: user.created };
}

function tagItems(tags: Readonly<Record<string, string>>): readonly XmlObject[] {
  return Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
}

type Holder = { readonly name: string; readonly inline: Map<string, string> };

function inlinePolicy(holder: Holder, call: Call): XmlObject {
  const name = requiredText(call.params, "PolicyName");
  return { PolicyName: name, PolicyDocument: encoded(found(holder.inline.get(name), `policy with name ${name}`)) };
}

/** The quota is over all inline policies of one holder, white space not counted. */
function putInline(holder: Holder, call: Call, most: number): Reply {
  const name = requiredText(call.params, "PolicyName");
  const text = requiredText(call.params, "PolicyDocument");
  if (!isPolicy(text)) throw new AwsRefusal("MalformedPolicyDocument", "Syntax errors in policy.");
  const others = [...holder.inline].filter(([other]) => other !== name).map(([, document]) => document);
  if ([...others, text].join("").replaceAll(/\s/g, "").length > most)
    throw new AwsRefusal("LimitExceeded", `Maximum policy size of ${most} bytes exceeded for ${holder.name}`, 409);
  holder.inline.set(name, text);
  return {};
}

function isPolicy(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && "Version" in value && "Statement" in value;
  } catch {
    return false;
  }
}

function deleteInline(holder: Holder, call: Call): Reply {
  const name = requiredText(call.params, "PolicyName");
  if (!holder.inline.delete(name)) found(null, `policy with name ${name}`);
  return {};
}

function getPolicy(account: IamAccount, call: Call): Reply {
  const arn = requiredText(call.params, "PolicyArn");
  const policy = found(
    account.policies.find((one) => one.arn === arn),
    `policy ${arn}`,
  );
  return {
    xml: {
      Policy: {
        PolicyName: lastOf(arn),
        PolicyId: uniqueId("ANPA", arn),
        Arn: arn,
        Path: "/",
        DefaultVersionId: policy.defaultVersion,
        AttachmentCount: [...account.roles.values()].filter(({ attached }) => attached.includes(arn)).length,
        PermissionsBoundaryUsageCount: 0,
        IsAttachable: true,
        CreateDate: policy.created,
        UpdateDate: policy.created,
      },
    },
  };
}

function getPolicyVersion(account: IamAccount, call: Call): Reply {
  const arn = requiredText(call.params, "PolicyArn");
  const version = requiredText(call.params, "VersionId");
  const policy = found(
    account.policies.find((one) => one.arn === arn),
    `policy ${arn}`,
  );
  const document = found(policy.versions[version], `policy ${arn} version ${version}`);
  return {
    xml: {
      PolicyVersion: { Document: encoded(document), VersionId: version, IsDefaultVersion: version === policy.defaultVersion, CreateDate: policy.created },
    },
  };
}

/** A key that is switched off is refused everywhere at once here; AWS takes some seconds. */
function updateAccessKey(user: IamUser, keys: KeyRing, put: Map<string, FakeKey>, call: Call): Reply {
  const id = requiredText(call.params, "AccessKeyId");
  const status = requiredText(call.params, "Status");
  const key = found(
    user.keys.find((one) => one.id === id),
    `Access Key with id ${id}`,
  );
  if (status !== "Active" && status !== "Inactive") throw new AwsRefusal("ValidationError", `Value at 'status' must be Active or Inactive: ${status}`);
  key.status = status;
  const known = keys.find(id) ?? put.get(id) ?? null;
  if (known !== null) {
    put.set(id, known);
    if (status === "Active") keys.register(known);
    else keys.remove(id);
  }
  return {};
}
