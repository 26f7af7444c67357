import { CreateRoleCommand } from "@aws-sdk/client-iam";
import { afterEach, beforeEach, describe, expect, inject, test } from "vitest";
import { openAwsLink } from "../../../collectors/aws/client/client.ts";
import type { AwsLink } from "../../../collectors/aws/client/link.ts";
import { noAws } from "../../../src/core/config-aws.ts";
import { motoAccount, type MotoRig, openMotoRig, region } from "./moto-rig.ts";
import { known } from "./moto-world.ts";

const found = inject("servers").moto;
const title = "roles on moto, which lets anybody assume any: trust, external id and tags are for our stand-in to judge";
if (found.kind === "none") describe.skip(`${title}: ${found.why}`);
else
  describe(title, () => {
    let rig: MotoRig;
    let link: AwsLink;
    let role: string;
    const away = "444455556666";
    beforeEach(async () => {
      rig = await openMotoRig(found.server.url);
      const trust = { Effect: "Allow", Principal: { AWS: `arn:aws:iam::${motoAccount}:root` }, Action: "sts:AssumeRole" };
      const document = JSON.stringify({ Version: "2012-10-17", Statement: [trust] });
      const { Role } = await rig.clients.iam.send(new CreateRoleCommand({ RoleName: "holdfast", AssumeRolePolicyDocument: document }));
      role = known(Role?.Arn).replace(motoAccount, away);
      link = openAwsLink({
        config: { ...noAws, endpoint: rig.route.url, accounts: { [away]: { role, externalId: "case-42", regions: null, kmsKey: null } } },
        region,
        account: away,
        case: "C-7",
        collection: "20261124T120000Z-9f3a1c",
        clock: () => new Date(),
        random: () => new Uint8Array([255, 255]),
        sleep: async (_ms, stop) => stop.throwIfAborted(),
      });
    });
    afterEach(async () => {
      link.close();
      await rig.close();
    });

    test("another account's role is assumed in a session that the collection names, once, and its keys are what is signed with", async () => {
      const identity = await link.identity("source", rig.signal);
      expect([identity.account, identity.arn]).toEqual([away, `arn:aws:sts::${away}:assumed-role/holdfast/20261124T120000Z-9f3a1c`]);
      expect((await link.ask("source", null, "ec2:DescribeInstances", {}, rig.signal)).kind).toBe("answer");
      expect(rig.route.went.map(({ call, to }) => `${to} ${call}`)).toEqual([
        "moto sts:AssumeRole",
        "moto sts:GetCallerIdentity",
        "moto ec2:DescribeInstances",
      ]);
    });

    test("what lies in one account is not seen from the other", async () => {
      const seen = await link.ask("source", null, "iam:GetRole", { RoleName: "holdfast" }, rig.signal);
      expect(seen).toMatchObject({ kind: "refused", trouble: "missing", code: "NoSuchEntity" });
    });
  });
