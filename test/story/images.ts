import { execFileSync } from "node:child_process";
import { randomFillSync } from "node:crypto";
import { closeSync, ftruncateSync, openSync, readSync, writeSync } from "node:fs";

const mib = 1024 * 1024;

/** A disk image with incompressible and text-like regions between holes. `every`: one data region of 3 MiB in each so many MiB. */
export function makeImage(path: string, bytes: number, every: number): void {
  const fd = openSync(path, "w");
  try {
    ftruncateSync(fd, bytes);
    const noise = Buffer.alloc(3 * mib);
    for (let at = 0, n = 0; at + noise.length < bytes; at += every * mib, n++) {
      if (n % 3 === 2) noise.fill(`line ${n} of a log that repeats itself\n`);
      else randomFillSync(noise);
      writeSync(fd, noise, 0, noise.length, at + (n % 7) * 4096);
    }
  } finally {
    closeSync(fd);
  }
}

export function sha256sum(path: string): string {
  return execFileSync("sha256sum", [path], { encoding: "utf8", maxBuffer: mib }).slice(0, 64);
}

/** Turns one bit of the byte at `offset`, in place. */
export function flipBit(path: string, offset: number): void {
  const fd = openSync(path, "r+");
  try {
    const byte = Buffer.alloc(1);
    readSync(fd, byte, 0, 1, offset);
    byte[0] = (byte[0] ?? 0) ^ 1;
    writeSync(fd, byte, 0, 1, offset);
  } finally {
    closeSync(fd);
  }
}
