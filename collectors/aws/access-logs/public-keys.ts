import type { TarEntry } from "../../../src/stream/tar.ts";
import type { Window } from "../../../src/core/window.ts";
import { answerEntry, settingsLines } from "../logs/answer-entry.ts";
import { type DigestKey, parseDigestKeys } from "../digests/keys.ts";
import { pageMember } from "../logs/log-names.ts";
import type { LogReading } from "../logs/log-reading.ts";
import { refusedLine } from "../logs/lack-line.ts";
import { eachPage } from "../client/pages.ts";

/**
 * The keys that signed a Region's digests, with the answers as members: years later the chain is validated with these, without AWS.
 * They are parsed from the bytes that are kept.
 */
export async function* publicKeys({ aws, lines, signal }: LogReading, region: string, window: Window): AsyncGenerator<TarEntry, readonly DigestKey[]> {
  const call = "cloudtrail:ListPublicKeys";
  const keys: DigestKey[] = [];
  const span = { StartTime: new Date(window.since), EndTime: new Date(window.until) };
  let page = 0;
  for await (const answer of eachPage(call, (from) => aws.link.ask("source", region, call, { ...span, ...from }, signal, { keepWire: true }))) {
    page += 1;
    if (answer.kind === "refused") {
      lines.add(refusedLine(`public keys of ${region}`, answer));
      return keys;
    }
    yield answerEntry(aws.clock, settingsLines(lines), answer, {
      member: pageMember(["cloudtrail", region, "ListPublicKeys"], page, "json"),
      call,
      path: `public keys of ${region} page ${page}`,
    });
    keys.push(...parseDigestKeys(JSON.parse(Buffer.from(answer.wire?.bytes ?? []).toString("utf8"))));
  }
  return keys;
}
