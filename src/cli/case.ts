import { parseCaseId, sensitivities, severities } from "../core/case.ts";
import { HoldfastError } from "../core/error.ts";
import { terminalSafe } from "../core/printable.ts";
import { entryOf } from "../core/shape.ts";
import { receiptLine } from "./collect-result.ts";
import { type Options, optionChoice, optionText } from "./options.ts";
import { present, table } from "./output.ts";
import type { Session } from "./session.ts";

export async function caseOpen(session: Session, text: string, options: Options): Promise<number> {
  const id = parseCaseId(text);
  const jurisdiction = optionText(options, "jurisdiction") ?? null;
  if (jurisdiction !== null && !/^[A-Z]{2}(-[A-Z0-9]{1,3})?$/.test(jurisdiction))
    throw new HoldfastError("usage", `--jurisdiction: ${JSON.stringify(jurisdiction)} is not an ISO 3166 code such as DE or US-CA`);
  const app = await session.app({ kind: "make", origin: null });
  if (app.cases.find(id) !== null)
    throw new HoldfastError("refused", `case ${id} exists; \`holdfast case show ${id}\` shows it, \`holdfast case note\` adds to it`);
  const retention = optionText(options, "retention") ?? null;
  if (retention !== null && entryOf(app.services.config.retention.classes, retention) === undefined)
    throw new HoldfastError("usage", `--retention: the configuration has no class ${JSON.stringify(retention)}`);
  await app.collecting.openCase(
    id,
    {
      title: optionText(options, "title")?.normalize("NFC") ?? null,
      severity: optionChoice(options, "severity", severities, "medium"),
      sensitivity: optionChoice(options, "sensitivity", sensitivities, "confidential"),
      jurisdiction,
      retention,
    },
    optionText(options, "reason") ?? null,
  );
  return caseShow(session, id);
}

export async function caseList(session: Session): Promise<number> {
  const app = await session.app();
  const list = app.cases.list();
  present(session.output, { schema: "holdfast.cases/1", cases: list } as { schema: string }, list, () =>
    list.length === 0 ? ["no cases"] : table(list.map((c) => [c.id, c.severity, c.opened, `${c.exhibits} exhibits`, terminalSafe(c.title ?? "")])),
  );
  return 0;
}

export async function caseShow(session: Session, id: string): Promise<number> {
  const app = await session.app();
  const found = app.cases.find(parseCaseId(id));
  if (found === null) throw new HoldfastError("usage", `there is no case ${id}; \`holdfast case list\` lists them`);
  const exhibits = app.cases.exhibits(id);
  const notes = app.cases.notes(id);
  present(session.output, { schema: "holdfast.case/1", case: found, notes, exhibits } as { schema: string }, null, () => [
    terminalSafe(`${found.id}  ${found.title ?? ""}`),
    `severity ${found.severity}, sensitivity ${found.sensitivity}, jurisdiction ${found.jurisdiction ?? "not given"}, retention class ${found.retention ?? "none"}, opened ${found.opened}`,
    ...notes.map((note) => terminalSafe(`note ${note.time} ${note.actor}: ${note.text}`)),
    ...exhibits.map(receiptLine),
  ]);
  return 0;
}

export async function caseNote(session: Session, id: string, text: string): Promise<number> {
  if (text.trim() === "") throw new HoldfastError("usage", "the note is empty");
  const app = await session.app();
  const receipt = await app.custodying.note(parseCaseId(id), text.normalize("NFC"));
  present(session.output, { schema: "holdfast.note/1", case: id, act: String(receipt.seq) } as { schema: string }, null, () => [`noted as act ${receipt.seq}`]);
  return 0;
}
