import { randomUUID } from "node:crypto";
import type { Machine, RunEnd, RunningScript } from "./machine.ts";

export type DocumentName = "AWS-RunShellScript" | "AWS-RunPowerShellScript";

/** An agent that registered. Plain fields may be changed while the stand-in runs. */
export type ManagedInstance = {
  readonly instanceId: string;
  readonly account: string;
  readonly region: string;
  readonly platform: "Linux" | "Windows";
  readonly platformName: string;
  readonly platformVersion: string;
  agentVersion: string;
  ping: "Online" | "ConnectionLost" | "Inactive";
  /** never: a command is not picked up and its delivery times out. fail: it fails before the first line of it runs. */
  pickUp: "normal" | "never" | "fail";
  machine: Machine;
  /** What the agent reported, by type (`AWS:Application`). */
  readonly inventory: Map<string, { readonly at: Date; readonly rows: readonly Readonly<Record<string, string>>[] }>;
};

type Stage =
  | { readonly kind: "pending" }
  | { readonly kind: "running"; readonly from: Date; readonly script: RunningScript }
  /** The power went: the service hears no more of it and shows it as running until its time is up. */
  | { readonly kind: "orphaned"; readonly from: Date }
  | { readonly kind: "cancelling"; readonly from: Date }
  | { readonly kind: "ended"; readonly from: Date | null; readonly at: Date; readonly how: Ending };

export type Ending = {
  readonly status: "Success" | "Failed" | "TimedOut" | "Cancelled";
  readonly details: string;
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
};

export type Invocation = {
  readonly instance: ManagedInstance;
  stage: Stage;
  /** Asked so often more, it does not exist yet. */
  missing: number;
};

export type SsmCommand = {
  readonly id: string;
  readonly account: string;
  readonly region: string;
  readonly document: DocumentName;
  readonly version: string;
  readonly comment: string;
  readonly parameters: Readonly<Record<string, readonly string[]>>;
  readonly requested: Date;
  /** Seconds until a command that nobody picked up is given up. */
  readonly deliverySeconds: number;
  readonly executionSeconds: number;
  readonly invocations: readonly Invocation[];
};

export type SsmWorld = {
  readonly instances: ManagedInstance[];
  readonly commands: SsmCommand[];
  readonly clock: () => Date;
  /** Milliseconds of real time until an agent that is online picks a command up. */
  pickUpMs: number;
  /** How often an invocation that was just sent does not exist. */
  missingAtFirst: number;
};

export function ssmWorld(clock: () => Date, instances: readonly ManagedInstance[] = []): SsmWorld {
  return { instances: [...instances], commands: [], clock, pickUpMs: 20, missingAtFirst: 1 };
}

export type NewInstance = Pick<ManagedInstance, "instanceId" | "account" | "region" | "machine"> & Partial<ManagedInstance>;

export function managedInstance(given: NewInstance): ManagedInstance {
  const windows = given.platform === "Windows";
  return {
    platform: "Linux",
    platformName: windows ? "Microsoft Windows Server 2022 Datacenter" : "Amazon Linux",
    platformVersion: windows ? "10.0.20348" : "2023",
    agentVersion: "3.3.2299.0",
    ping: "Online",
    pickUp: "normal",
    inventory: new Map(),
    ...given,
  };
}

export function newCommandId(): string {
  return randomUUID();
}

/** The instance is stopped: its processes die at once, and its agent is heard no more. */
export async function powerOff(world: SsmWorld, instanceId: string): Promise<void> {
  for (const command of world.commands) {
    for (const invocation of command.invocations) {
      if (invocation.instance.instanceId !== instanceId || invocation.stage.kind !== "running") continue;
      const { from, script } = invocation.stage;
      invocation.stage = { kind: "orphaned", from };
      script.kill();
    }
  }
  for (const instance of world.instances) {
    if (instance.instanceId !== instanceId) continue;
    instance.ping = "ConnectionLost";
    await instance.machine.stop();
  }
}

/** The agent dies and what it started lives on, unheard: the service shows it as running until its time is up. */
export function loseAgent(world: SsmWorld, instanceId: string): void {
  for (const instance of world.instances) if (instance.instanceId === instanceId) instance.ping = "ConnectionLost";
  for (const command of world.commands) {
    for (const invocation of command.invocations) {
      if (invocation.instance.instanceId === instanceId && invocation.stage.kind === "running")
        invocation.stage = { kind: "orphaned", from: invocation.stage.from };
    }
  }
}

/** What a script that ended becomes; `kind: "killed"` is told by whoever killed it. */
export function endingOf(end: RunEnd, script: RunningScript): Ending {
  const stdout = script.stdout();
  const stderr = script.stderr();
  if (end.kind === "exited" && end.code === 0) return { status: "Success", details: "Success", code: 0, stdout, stderr };
  const code = end.kind === "exited" ? end.code : 137;
  const sentence = end.kind === "exited" ? `failed to run commands: exit status ${code}` : "failed to run commands: signal: killed";
  return { status: "Failed", details: "Failed", code, stdout, stderr: `${stderr}${sentence}` };
}
