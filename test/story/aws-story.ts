import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type AwsWorld, openAwsWorld } from "../clouds/aws/aws-world.ts";
import { worldNames } from "../clouds/aws/aws-world-names.ts";
import type { AwsFake } from "../clouds/aws/aws-fake.ts";
import { keyArn } from "../clouds/aws/kms.ts";
import type { Machine } from "../clouds/aws/machine.ts";
import { type LocalMachine, startLocalMachine } from "../clouds/aws/local-machine.ts";
import { type S3Fake, startS3Fake } from "../clouds/s3-fake.ts";
import { lime } from "../collectors/aws/lime-bytes.ts";
import { temporary } from "./holdfast.ts";

/** The collector's keys, which sign for the S3 server too. */
const ownKeys = { accessKeyId: "AKIAHOLDFAST00000001", secretAccessKey: "story-secret" };

export const target: string = `aws:${worldNames.region}:${worldNames.instance}`;

/** Random enough not to compress, and the same in every process: what is in the machine's memory. */
export const marker: string = "holdfast-marker-5d1f0c52";
const memoryImage: Buffer = Buffer.concat([lime(0x1000n, filled(400_000, 1)), lime(0x100000n, filled(3_000_000, 2))]);

export type AwsStory = {
  readonly world: AwsWorld;
  readonly fake: AwsFake;
  /** The S3 stand-in; null where a server was given. */
  readonly s3: S3Fake | null;
  readonly machine: Machine;
  /** What lies in the machine's /dev/shm, where it is one of this computer. */
  left(): Promise<readonly string[]>;
  readonly dir: string;
  readonly home: string;
  readonly env: Readonly<Record<string, string>>;
  /** What the memory tool writes, byte for byte. */
  readonly memory: Buffer;
  close(): Promise<void>;
};

export type StoryOptions = {
  /** Replaces parts of the configuration. */
  readonly config?: (config: string, toolSha256: string) => string;
  readonly tampered?: boolean;
  readonly hours?: number;
  readonly clockSkewMs?: number;
  /** The program in the place of the memory tool; else one that writes `memory`. */
  readonly tool?: string | Buffer;
  /** Runs what SSM sends, in the place of a namespace of this computer. */
  readonly machine?: Machine;
  readonly files?: Readonly<Record<string, string>>;
  readonly shmBytes?: number;
  /** An S3 server of its own, with a lock-enabled bucket `evidence` and no other; the stand-in unless given. */
  readonly store?: Store;
};

export type Store = { readonly url: string; readonly accessKeyId: string; readonly secretAccessKey: string };

/** The common world, an S3 server with the vault, a machine that runs what SSM sends, and a home configured as the README has it. */
export async function openAwsStory(options: StoryOptions = {}): Promise<AwsStory> {
  const dir = temporary("aws-story");
  const s3 =
    options.store === undefined ? await startS3Fake({ buckets: [{ name: "evidence", objectLock: true }, { name: "web-data" }], credentials: ownKeys }) : null;
  const { url, accessKeyId, secretAccessKey } = options.store ?? { url: s3?.url ?? "", ...ownKeys };
  const credentials = { accessKeyId, secretAccessKey };
  const local = options.machine === undefined ? await startLocal(options) : null;
  const machine = options.machine ?? local;
  if (machine === null) throw new Error("there is no machine");
  const { world, fake } = await openAwsWorld({
    s3: { endpoint: url, credentials },
    machine,
    hours: options.hours ?? 3,
    tampered: options.tampered ?? false,
    ...(options.clockSkewMs === undefined ? {} : { clockSkewMs: options.clockSkewMs }),
  });
  world.ec2.snapshotSeconds = 1;
  world.ec2.copySeconds = 1;
  const home = join(dir.path, "home");
  mkdirSync(home);
  const tool = Buffer.from(options.tool ?? memoryTool());
  writeFileSync(join(home, "avml"), tool, { mode: 0o755 });
  const sha256 = createHash("sha256").update(tool).digest("hex");
  const config = configOf(world, fake.url, url, sha256);
  writeFileSync(join(home, "holdfast.yaml"), options.config?.(config, sha256) ?? config);
  return {
    world,
    fake,
    s3,
    machine,
    left: async () => (await local?.left()) ?? [],
    dir: dir.path,
    home,
    env: {
      HOLDFAST_HOME: home,
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
      AWS_CONFIG_FILE: "/dev/null",
      AWS_SHARED_CREDENTIALS_FILE: "/dev/null",
      AWS_EC2_METADATA_DISABLED: "true",
    },
    memory: memoryImage,
    async close() {
      await fake.close();
      await local?.stop();
      await s3?.stop();
      dir[Symbol.dispose]();
    },
  };
}

function startLocal({ files, shmBytes }: StoryOptions): Promise<LocalMachine> {
  return startLocalMachine({
    files: { "/proc/kcore": "", "/proc/iomem": iomem, "/sys/kernel/security/lockdown": "[none] integrity confidentiality\n", ...files },
    ...(shmBytes === undefined ? {} : { shmBytes }),
  });
}

function configOf(world: AwsWorld, aws: string, s3: string, sha256: string): string {
  return `vaults:
  main: {kind: s3, bucket: evidence, region: eu-west-1, prefix: holdfast/, mode: compliance, retain: 1d, endpoint: "${s3}", pathStyle: true}
defaultVault: main
aws:
  endpoint: ${aws}
  accounts:
    "${worldNames.account}": {regions: [${worldNames.region}], kmsKey: "${keyArn(world.keys.copies)}"}
  evidenceAccount: {role: "${worldNames.evidenceRole}", externalId: ${worldNames.externalId}, kmsKey: "${keyArn(world.keys.evidence)}"}
  memory: {tool: ./avml, sha256: ${sha256}}
`;
}

/** The kernel's map of a machine with as much RAM as `memoryImage` has. */
const iomem = "00001000-00062a7f : System RAM\n000a0000-000fffff : Reserved\n00100000-003dc6bf : System RAM\n  00200000-002fffff : Kernel code\n";

/** A shell script in the place of AVML, with its command line: it writes the image that it carries into the named pipe. */
function memoryTool(): string {
  const body = memoryImage.toString("base64").match(/.{1,76}/g) ?? [];
  return `#!/bin/sh
# acquire --compress --source /proc/kcore PIPE
exec base64 -d >"$5" <<'IMAGE'
${body.join("\n")}
IMAGE
`;
}

function filled(bytes: number, seed: number): Buffer {
  const block = createHash("sha512").update(`memory ${seed}`).digest();
  const buffer = Buffer.alloc(bytes, block);
  buffer.write(marker, Math.floor(bytes / 2), "latin1");
  return buffer;
}
