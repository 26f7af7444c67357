import type { Probe } from "./s3-probe.ts";
import { lockProbes } from "./s3-probes-lock.ts";
import { multipartProbes } from "./s3-probes-multipart.ts";
import { writeProbes } from "./s3-probes-write.ts";

export const probes: readonly Probe[] = [...lockProbes, ...writeProbes, ...multipartProbes];
