import { createHash } from "node:crypto";
import type { Ec2Image, Ec2Instance, Ec2Volume } from "./ec2-world.ts";
import { plantedContent } from "./volume-content.ts";

const born = new Date("2026-01-01T00:00:00.000Z");

type Needed<T, K extends keyof T> = Pick<T, K> & Partial<T>;

/** A Linux instance on Nitro that runs, unprotected, until a test says otherwise. */
export function newInstance(given: Needed<Ec2Instance, "id" | "account" | "region" | "vpc" | "subnet">): Ec2Instance {
  return {
    reservation: `r-${createHash("sha256").update(given.id).digest("hex").slice(0, 17)}`,
    zone: `${given.region}a`,
    type: "m7i.large",
    state: "running",
    stateReason: null,
    imageId: "ami-0123456789abcdef0",
    rootDevice: "/dev/xvda",
    mappings: [],
    instanceStore: [],
    userData: null,
    disableApiTermination: false,
    disableApiStop: false,
    shutdownBehavior: "stop",
    launched: born,
    tags: new Map(),
    architecture: "x86_64",
    platform: "linux",
    nitro: true,
    keyName: null,
    metadata: { httpTokens: "required", hopLimit: 2 },
    console: null,
    screenshot: null,
    events: [],
    health: "ok",
    ...given,
  };
}

export function newVolume(given: Needed<Ec2Volume, "id" | "account" | "region">): Ec2Volume {
  return {
    zone: `${given.region}a`,
    sizeGiB: 1,
    type: "gp3",
    kmsKeyId: null,
    multiAttach: false,
    sourceSnapshot: null,
    created: born,
    tags: new Map(),
    content: plantedContent(new Map()),
    ...given,
  };
}

export function newImage(given: Needed<Ec2Image, "id" | "region" | "snapshot">): Ec2Image {
  return {
    account: "137112412989",
    name: "al2023-ami-2023.9.20260101.0-kernel-6.12-x86_64",
    public: true,
    architecture: "x86_64",
    platform: "linux",
    rootDevice: "/dev/xvda",
    sizeGiB: 8,
    created: born,
    ...given,
  };
}

export function attachVolume(instance: Ec2Instance, volume: Ec2Volume, device: string, deleteOnTermination: boolean): void {
  instance.mappings.push({ device, volume: volume.id, deleteOnTermination, attached: instance.launched });
}
