import { createCipheriv, createHash } from "node:crypto";
import { born, victimPlace, worldNames } from "./aws-world-names.ts";
import { attachVolume, newImage, newInstance, newVolume } from "./ec2-made.ts";
import { type PlantedNetwork, plantNetwork } from "./ec2-network-planted.ts";
import { type Ec2Instance, type Ec2Volume, type Ec2World, ec2World } from "./ec2-world.ts";
import { keyArn, type KmsKey, kmsWorld } from "./kms.ts";
import { blockSize, generatedContent } from "./volume-content.ts";

export type WorldKeys = {
  /** Of the victim's root volume: cannot be shared. */
  readonly managed: KmsKey;
  /** A customer's, of the data volume; the evidence account may use it. */
  readonly data: KmsKey;
  /** A customer's, for copies of what the managed key holds; the evidence account may use it. */
  readonly copies: KmsKey;
  /** The evidence account's own. */
  readonly evidence: KmsKey;
};

export type WorldMachine = {
  readonly ec2: Ec2World;
  readonly network: PlantedNetwork;
  readonly keys: WorldKeys;
  readonly instance: Ec2Instance;
  readonly root: Ec2Volume;
  readonly data: Ec2Volume;
};

/** Blocks of 512 KiB that were ever written, of the 2,048 that a GiB has. */
const written = { root: [0, 1, 2, 64, 65, 1023, 2047], data: [0, 3, 4, 1000] } as const;

/** The machine of the story: it runs, nothing protects it, and its root volume is under the key that cannot be shared. */
export function plantMachine(): WorldMachine {
  const keys = worldKeys();
  const ec2 = ec2World({ kms: kmsWorld([keys.managed, keys.data, keys.copies, keys.evidence]) });
  const network = plantNetwork(ec2.network, victimPlace, worldNames.instance);
  const instance = newInstance({
    ...victimPlace,
    id: worldNames.instance,
    vpc: network.vpc,
    subnet: network.subnets[0],
    imageId: worldNames.image,
    tags: new Map([
      ["Name", "web-1"],
      ["aws:autoscaling:groupName", worldNames.scalingGroup],
    ]),
    userData: Buffer.from("#!/bin/sh\necho provisioned > /etc/provisioned\n"),
    console: { bytes: Buffer.from("[    0.000000] Linux version 6.12.0\nAmazon Linux 2023\nweb-1 login: "), at: born },
    // A JPEG's two ends and nothing between them.
    screenshot: Buffer.from("ffd8ffe000104a46494600010100000100010000ffd9", "hex"),
  });
  const volume = (id: string, key: KmsKey, name: keyof typeof written): Ec2Volume =>
    newVolume({
      ...victimPlace,
      id,
      kmsKeyId: keyArn(key),
      tags: new Map([["Name", `web-1 ${name}`]]),
      content: generatedContent(written[name], (index) => blockBytes(id, index)),
    });
  const root = volume(worldNames.rootVolume, keys.managed, "root");
  const data = volume(worldNames.dataVolume, keys.data, "data");
  attachVolume(instance, root, "/dev/xvda", true);
  attachVolume(instance, data, "/dev/sdf", true);
  ec2.instances.push(instance);
  ec2.volumes.push(root, data);
  ec2.images.push(newImage({ id: worldNames.image, region: worldNames.region, snapshot: "snap-0123456789abcdef0" }));
  return { ec2, network, keys, instance, root, data };
}

function worldKeys(): WorldKeys {
  const key = (digit: number, alias: string, more: Partial<KmsKey> = {}): KmsKey => ({
    ...victimPlace,
    id: `${String(digit).repeat(8)}-1111-4111-8111-111111111111`,
    aliases: [`alias/${alias}`],
    manager: "CUSTOMER",
    state: "Enabled",
    created: born,
    shared: [worldNames.evidence],
    ...more,
  });
  return {
    managed: key(1, "aws/ebs", { manager: "AWS", shared: [] }),
    data: key(2, "data"),
    copies: key(3, "holdfast"),
    evidence: key(4, "holdfast", { account: worldNames.evidence, shared: [] }),
  };
}

/** Bytes that do not compress and are the same at every call. */
function blockBytes(volume: string, index: number): Uint8Array {
  const seed = createHash("sha256").update(`${volume} ${index}`).digest();
  return createCipheriv("aes-256-ctr", seed, Buffer.alloc(16)).update(Buffer.alloc(blockSize));
}
