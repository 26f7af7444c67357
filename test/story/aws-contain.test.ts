import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { beginFlow, flowsAlive } from "../clouds/aws/ec2-flows.ts";
import { worldNames } from "../clouds/aws/aws-world-names.ts";
import { type AwsStory, openAwsStory, target } from "./aws-story.ts";
import { holdfast, holdfastJson } from "./holdfast.ts";

const root = process.getuid?.() === 0;
let story: AwsStory;
beforeAll(async () => {
  if (root) story = await openAwsStory();
});
afterAll(async () => {
  if (root) await story.close();
});

describe.skipIf(!root)("`contain` on an EC2 instance (needs root: the story's machine has a namespace)", () => {
  test("cuts network, role and a user's keys, and `contain undo` puts all of it back", async () => {
    const { env, world } = story;
    const { network } = world.ec2;
    const faces = network.interfaces.filter(({ attachment }) => attachment?.instance === worldNames.instance);
    const mallory = world.iam.accounts.get(worldNames.account)?.users.get("mallory");
    const role = world.iam.accounts.get(worldNames.account)?.roles.get(worldNames.web);
    const state = (): unknown =>
      structuredClone({
        groups: faces.map(({ groups }) => groups),
        made: network.groups.map(({ name }) => name),
        keys: mallory?.keys.map(({ status }) => status),
        policies: [...(role?.inline.keys() ?? [])],
        profiles: network.profileAssociations.filter(({ state: at }) => at === "associated" || at === "associating").map(({ profileArn }) => profileArn),
      });
    const before = state();
    for (const { id } of faces) beginFlow(network, { interface: id, begun: "out", protocol: "tcp", remote: "192.0.2.66", port: 8443, tracked: "by-rules" });
    const asked = ["contain", target, "--network", "--identity", "--identity-user", "mallory", "--case", "EC2-9", "--reason", "data is leaving"];
    const ran = await holdfast(asked, { env });
    expect(ran.code, `${ran.stdout}\n${ran.stderr}`).toBe(0);
    expect(faces.flatMap(({ id }) => flowsAlive(network, id))).toEqual([]);
    expect(state()).toMatchObject({ keys: ["Inactive"], profiles: [], policies: ["queue", expect.stringMatching(/^holdfast-revoke-/)] });
    expect(new Set(faces.flatMap(({ groups }) => groups)).size).toBe(1);
    const { json } = await holdfastJson<{ readonly collections: readonly { readonly collection: string }[] }>(["status"], { env });
    const undone = await holdfast(["contain", "undo", json.collections[0]?.collection ?? "", "--reason", "over"], { env });
    expect(undone.code, `${undone.stdout}\n${undone.stderr}`).toBe(0);
    expect(state()).toEqual(before);
    expect(await story.fake.differences()).toEqual([]);
    expect(story.fake.unknown).toEqual([]);
  });
});
