import type { TarEntry } from "../../../src/stream/tar.ts";
import { answerEntry, bytesEntry } from "../logs/answer-entry.ts";
import type { LogReading } from "../logs/log-reading.ts";
import { lackLine, refusedLine } from "../logs/lack-line.ts";

/** Two seconds apart: a report of a large account takes some minutes. */
const [apartMs, most] = [2000, 300];

/** IAM's report of all users, their keys and when they were used. Made new where the last one is older than four hours (IAM's rule). */
export async function* credentialReport({ aws, lines, signal }: LogReading): AsyncGenerator<TarEntry> {
  const path = "IAM credential report";
  const call = "iam:GetCredentialReport";
  for (let tries = 1; tries <= most; tries += 1) {
    const ordered = await aws.link.ask("source", null, "iam:GenerateCredentialReport", {}, signal);
    if (ordered.kind === "refused" && ordered.trouble !== "limit") return lines.add(refusedLine(path, ordered));
    const answer = await aws.link.ask("source", null, call, {}, signal, { keepWire: true });
    if (answer.kind === "answer") {
      yield answerEntry(aws.clock, lines, answer, { member: "iam/GetCredentialReport.xml", call, path });
      const { Content: report } = answer.value;
      if (report !== undefined)
        yield bytesEntry(aws.clock, lines, report, { member: "derived/credential-report.csv", path, source: `derived:iam/GetCredentialReport.xml Content` });
      return;
    }
    if (!/NotPresent|NotReady|InProgress|Expired/.test(answer.code)) return lines.add(refusedLine(path, answer));
    await aws.sleep(apartMs, signal);
  }
  lines.add(lackLine(path, `api:${call}`, "unavailable", `IAM had not made it after ${(apartMs * most) / 60_000} minutes`));
}
