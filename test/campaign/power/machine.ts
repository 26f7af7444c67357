import { execFileSync, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import type { ActReceipt } from "../../../src/core/act.ts";

export type MachineLine =
  | { readonly kind: "opened" }
  | { readonly kind: "receipts"; readonly receipts: readonly ActReceipt[] }
  | { readonly kind: "failed"; readonly text: string };

export type MachineWish = {
  /** Of the machine that HOLDFAST_TEST_VICTIM builds. */
  readonly kernel: { readonly image: string; readonly initrd: string };
  readonly programs: string;
  readonly socket: string;
  readonly console: string;
  readonly sync: "full" | "off";
  readonly name: string;
  readonly onLine: (line: MachineLine) => void;
};

/** Kernel and initrd that `victim build` leaves in its home. */
export function victimKernel(victim: string): MachineWish["kernel"] {
  execFileSync(victim, ["build"], { stdio: "ignore" });
  const home = process.env["VICTIM_HOME"] ?? join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "holdfast-victim");
  const kernel = { image: join(home, "cache/vmlinuz"), initrd: join(home, "cache/initrd.gz") };
  for (const file of Object.values(kernel)) if (!existsSync(file)) throw new Error(`${victim} build left no ${file}`);
  return kernel;
}

/** A virtual machine whose second disk is the one behind `socket`. `kill` is the loss of power: no word to the guest, and none from it. */
export function startMachine(wish: MachineWish): { kill(): void; readonly ended: Promise<void> } {
  const machine = spawn(
    "qemu-system-x86_64",
    [
      ...["-machine", "pc,accel=tcg", "-cpu", "max,la57=off", "-smp", "1", "-m", "640", "-nodefaults", "-no-reboot", "-display", "none"],
      ...["-kernel", wish.kernel.image, "-initrd", wish.kernel.initrd],
      ...["-append", `console=ttyS0 quiet panic=-1 sync=${wish.sync} name=${wish.name}`],
      ...["-drive", `file=${wish.programs},if=virtio,format=raw,snapshot=on`],
      ...["-drive", `file=nbd:unix:${wish.socket},if=virtio,format=raw,cache=none`],
      ...["-device", "virtio-rng-pci", "-serial", `file:${wish.console}`, "-serial", "stdio"],
    ],
    { stdio: ["ignore", "pipe", "ignore"] },
  );
  let held = "";
  machine.stdout.setEncoding("utf8").on("data", (text: string) => {
    const lines = `${held}${text}`.split("\n");
    held = lines.pop() ?? "";
    for (const line of lines) wish.onLine(JSON.parse(line));
  });
  const ended = new Promise<void>((resolve, reject) => machine.on("error", reject).on("close", () => resolve()));
  return { kill: () => void machine.kill("SIGKILL"), ended };
}
