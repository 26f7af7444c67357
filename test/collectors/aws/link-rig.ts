import { vi } from "vitest";
import { type AwsLinkOptions, openAwsLink } from "../../../collectors/aws/client/client.ts";
import type { AwsLink, Observed } from "../../../collectors/aws/client/link.ts";
import { type AwsConfig, noAws } from "../../../src/core/config-aws.ts";
import { type AwsFake, openAwsFake } from "../../clouds/aws/aws-fake.ts";
import { type FakeKey, type KeyRing, makeKeyRing, userKey } from "../../clouds/aws/key-ring.ts";
import { AwsRefusal, type Service } from "../../clouds/aws/service.ts";
import { type AssumableRole, stsService } from "../../clouds/aws/sts.ts";

export const home = "111122223333";
export const away = "444455556666";
export const role: AssumableRole = { arn: `arn:aws:iam::${away}:role/ir/holdfast`, trusts: [home], externalId: "case-42" };
export const accounts: AwsConfig["accounts"] = Object.fromEntries([[away, { role: role.arn, externalId: "case-42", regions: null, kmsKey: null }]]);

/** A link on a small AWS: STS in full, and of other services what the tests ask. Time stands still but for `pass` and the waits. */
export type Rig = {
  readonly fake: AwsFake;
  readonly keys: KeyRing;
  readonly me: FakeKey;
  readonly assumable: Map<string, AssumableRole>;
  readonly observed: Observed[];
  /** Every wait between tries, in milliseconds. */
  readonly waits: number[];
  readonly groups: string[];
  readonly signal: AbortSignal;
  link(over?: Partial<AwsLinkOptions>): AwsLink;
  pass(ms: number): void;
  calls(operation: string): number;
  close(): Promise<void>;
};

/** As if this process had that key, and nothing else anywhere that could be one. */
export function useKey(key: { readonly accessKeyId: string; readonly secretAccessKey: string } | null): void {
  vi.stubEnv("AWS_ACCESS_KEY_ID", key?.accessKeyId);
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", key?.secretAccessKey);
  for (const name of ["AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_ENDPOINT_URL"]) vi.stubEnv(name, undefined);
  for (const name of ["AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"]) vi.stubEnv(name, "/nonexistent/aws");
  vi.stubEnv("AWS_EC2_METADATA_DISABLED", "true");
}

export async function openRig(skewMs = 0): Promise<Rig> {
  const me = userKey(home, "investigator");
  const keys = makeKeyRing([me]);
  const assumable = new Map([[role.arn, role]]);
  const groups: string[] = [];
  let now = Date.parse("2026-11-24T12:00:00.000Z");
  const clock = (): Date => new Date(now);
  const fake = await openAwsFake({ keys, services: [stsService({ assumable }, keys), smallEc2(groups), smallLogs], clock, clockSkewMs: skewMs });
  const observed: Observed[] = [];
  const waits: number[] = [];
  const links: AwsLink[] = [];
  useKey(me);
  return {
    fake,
    keys,
    me,
    assumable,
    observed,
    waits,
    groups,
    signal: new AbortController().signal,
    link(over = {}) {
      const link = openAwsLink({
        config: { ...noAws, endpoint: fake.url, accounts },
        region: "eu-west-1",
        account: home,
        case: "C-7",
        collection: "20261124T120000Z-9f3a1c",
        clock,
        random: () => new Uint8Array([255, 255]),
        sleep: async (ms, signal) => {
          signal.throwIfAborted();
          waits.push(ms);
          now += ms;
        },
        observe: (call) => void observed.push(call),
        ...over,
      });
      links.push(link);
      return link;
    },
    pass: (ms) => {
      now += ms;
    },
    calls: (operation) => fake.exchanges.filter((exchange) => exchange.operation === operation).length,
    async close() {
      for (const link of links) link.close();
      vi.unstubAllEnvs();
      await fake.close();
    },
  };
}

function smallEc2(groups: string[]): Service {
  return {
    name: "ec2",
    protocol: "ec2",
    version: "2016-11-15",
    namespace: "http://ec2.amazonaws.com/doc/2016-11-15/",
    operations: {
      DescribeTags: () => ({ xml: { tagSet: { item: [{ resourceId: "i-1", resourceType: "instance", key: "Name", value: "<ü&\u{1f512}>" }] } } }),
      CreateSecurityGroup: ({ params }) => {
        if (params["DryRun"] === "true") throw new AwsRefusal("DryRunOperation", "Request would have succeeded, but DryRun flag is set.", 412);
        groups.push(String(params["GroupName"]));
        return { xml: { return: "true", groupId: `sg-${groups.length}` } };
      },
      DeleteSecurityGroup: () => ({ xml: { return: "true" } }),
    },
  };
}

const smallLogs: Service = {
  name: "logs",
  protocol: "json",
  targetPrefix: "Logs_20140328",
  operations: { DescribeLogGroups: () => ({ json: { logGroups: [{ logGroupName: "/a", logGroupArn: "é", storedBytes: 1e15, unheardOf: [null] }] } }) },
};
