import type { TarEntry } from "../../src/stream/tar.ts";
import type { Window } from "../../src/core/window.ts";
import { answerEntry } from "./answer-entry.ts";
import { type DigestKey, parseDigestKeys } from "./digest-keys.ts";
import { pageMember } from "./log-names.ts";
import type { LogReading } from "./log-reading.ts";
import { refusedLine, settingsLines } from "./log-refusal.ts";

/**
 * The keys that signed a Region's digests, with the answers as members: years later the chain is validated with these, without AWS.
 * They are parsed from the bytes that are kept.
 */
export async function* publicKeys({ aws, lines, signal }: LogReading, region: string, window: Window): AsyncGenerator<TarEntry, readonly DigestKey[]> {
  const call = "cloudtrail:ListPublicKeys";
  const keys: DigestKey[] = [];
  for (let token: string | undefined, page = 1; ; page += 1) {
    const input = { StartTime: new Date(window.since), EndTime: new Date(window.until), ...(token === undefined ? {} : { NextToken: token }) };
    const answer = await aws.link.ask("source", region, call, input, signal, { keepWire: true });
    if (answer.kind === "refused") {
      lines.add(refusedLine(`public keys of ${region}`, call, answer));
      return keys;
    }
    yield answerEntry(aws.clock, settingsLines(lines), answer, {
      member: pageMember(["cloudtrail", region, "ListPublicKeys"], page, "json"),
      call,
      path: `public keys of ${region} page ${page}`,
    });
    keys.push(...parseDigestKeys(JSON.parse(Buffer.from(answer.wire?.bytes ?? []).toString("utf8"))));
    token = answer.value.NextToken;
    if (token === undefined || token === "") return keys;
  }
}
