import { readdir, readFile } from "node:fs/promises";
import { type CallName, calls } from "../../../collectors/aws/calls/calls.ts";

const folder = new URL("../../../collectors/aws/", import.meta.url);

/** Of the table's calls, those that the collector's source names in a string, tables and policies left out. */
export async function callsNamedInSource(): Promise<ReadonlySet<CallName>> {
  const files = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith(".ts") && !/^(calls\/|policies)/.test(name));
  const texts = await Promise.all(files.map(async (name) => readFile(new URL(name, folder), "utf8")));
  const source = texts.join("\n").replaceAll(/^\s*(\/\/|\/?\*).*$/gm, "");
  return new Set(allCalls().filter((name) => source.includes(`"${name}"`)));
}

export function allCalls(): readonly CallName[] {
  return Object.keys(calls) as CallName[]; // the table's own keys
}
