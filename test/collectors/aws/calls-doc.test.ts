import { readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { CallRow } from "../../../collectors/aws/calls/row.ts";
import { rowOf } from "../../../collectors/aws/calls/calls.ts";
import { allCalls } from "./calls-used.ts";

const file = new URL("../../../collectors/aws/CALLS.md", import.meta.url);

/** HOLDFAST_WRITE_DOCS=1 writes it anew. */
test("CALLS.md is the table of calls that the link and the policies are made of", () => {
  if (process.env["HOLDFAST_WRITE_DOCS"] === "1") writeFileSync(file, document());
  expect(readFileSync(file, "utf8")).toBe(document());
});

function document(): string {
  const rows = allCalls()
    .toSorted()
    .map((name) => line(name, rowOf(name)));
  const changing = allCalls().filter((name) => rowOf(name).changes).length;
  return `# Every AWS call that the collector makes

${rows.length} calls, ${changing} of which change something. The link can ask no other; plans and \`holdfast policy iam --cloud aws\` are made of the same table (\`calls*.ts\`),
and a test watches that the servers see each of them and no other. Never among them: DeleteSnapshot, UnlockSnapshot, TerminateInstances.

| call | changes | permissions | of role | why |
|---|---|---|---|---|
${rows.join("\n")}
`;
}

function line(name: string, { changes, permission, also, roles, why, dryRun }: CallRow): string {
  const needs = [permission === undefined ? name : permission, ...(also ?? []).map((grant) => grant.permission)].filter((need) => need !== null);
  const unique = [...new Set(needs)].map((need) => `\`${need}\``).join(", ") || "none";
  return `| \`${name}\` | ${changes ? `**yes**${dryRun === true ? ", dry run" : ""}` : "no"} | ${unique} | ${roles.join(", ") || "who starts holdfast"} | ${why} |`;
}
