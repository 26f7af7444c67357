import type { LogReading } from "./log-reading.ts";
import { lackLine, refusedLine } from "./lack-line.ts";

/** Names of the folders right under a prefix that ends in a slash. What is refused is a line of the manifest. */
export async function listFolders({ aws, lines, signal }: LogReading, bucket: string, prefix: string): Promise<readonly string[]> {
  const names: string[] = [];
  for (let token: string | undefined; ; ) {
    const input = { Bucket: bucket, Prefix: prefix, Delimiter: "/", ...(token === undefined ? {} : { ContinuationToken: token }) };
    const answer = await aws.link.ask("source", null, "s3:ListObjectsV2", input, signal);
    if (answer.kind === "refused") {
      lines.add(refusedLine(`s3://${bucket}/${prefix}`, answer));
      return names;
    }
    for (const { Prefix: folder = "" } of answer.value.CommonPrefixes ?? []) names.push(folder.slice(prefix.length, -1));
    const { IsTruncated: cut, NextContinuationToken: next } = answer.value;
    if (cut !== true) return names;
    if (next === undefined || next === token) {
      lines.add(lackLine(`s3://${bucket}/${prefix}`, "api:s3:ListObjectsV2", "truncated", "the listing says that it goes on, and not where"));
      return names;
    }
    token = next;
  }
}
