import { readFile, stat } from "node:fs/promises";
import { isAbsolute, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Collector } from "../core/collector.ts";
import type { Config } from "../core/config.ts";
import { HoldfastError, systemCode } from "../core/error.ts";
import { printable } from "../core/printable.ts";
import type { Target } from "../core/target.ts";
import type { Surroundings } from "./open-services.ts";

/** A memory tool has a few megabytes; what is larger is not one. Bytes. */
const toolLimit = 64 * 1024 * 1024;

/** The collector of a target's provider, loaded when it is asked for. Paths of the configuration are relative to its `folder`. */
export async function openCollector(target: Target, config: Config, folder: string, around: Surroundings, own: readonly string[]): Promise<Collector> {
  const { clock, random } = around;
  switch (target.kind) {
    case "host": {
      const { hostCollector } = await import("../../collectors/host/host-collector.ts");
      return hostCollector({ root: "/", clock, platform: around.platform, arch: around.arch, uid: around.uid, avml: config.avml, own });
    }
    case "aws": {
      const { awsCollector } = await import("../../collectors/aws/aws-collector.ts");
      const { openEbsAccounts } = await import("../../collectors/aws/disk-image/ebs-account.ts");
      const pause = async (ms: number, signal: AbortSignal): Promise<void> => sleep(ms, undefined, { signal });
      const ebs = openEbsAccounts({ now: () => performance.now(), sleep: pause, random });
      return awsCollector({ config: config.aws, clock, random, sleep: pause, ebs, readTool: (path) => readTool(path, folder) }, target);
    }
    case "ssh":
    case "azure":
    case "gcp":
      throw new HoldfastError("config", `${target.id}: this release collects from host:local and from EC2 instances only; run holdfast on that machine`);
    default:
      return target satisfies never;
  }
}

async function readTool(path: string, folder: string): Promise<Buffer> {
  const file = isAbsolute(path) ? path : join(folder, path);
  try {
    const { size } = await stat(file);
    if (size > toolLimit) throw new HoldfastError("config", `aws.memory.tool: ${printable(file)} has ${size} bytes and is no memory tool; name its file`);
    return await readFile(file);
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    throw new HoldfastError("config", `aws.memory.tool: ${printable(file)} cannot be read (${systemCode(error)}); correct the path`, error);
  }
}
