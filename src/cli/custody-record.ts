import type { CustodyReceipt } from "../app/custody-receipt.ts";
import type { Act } from "../core/act.ts";
import { exhibitFromActs } from "../core/exhibit.ts";
import { terminalSafe } from "../core/printable.ts";
import { table } from "./output.ts";

/** The record as people print it. `mirror` is the vault that mirrors the ledger, or null. */
export function recordLines(exhibit: string, acts: readonly Act[], receipt: CustodyReceipt, mirror: string | null): readonly string[] {
  const lock = exhibitFromActs(exhibit, acts)?.stored?.text ?? null;
  return [
    `Custody record of ${exhibit}`,
    "",
    ...table(aboutRows(exhibit, acts)),
    "",
    ...table([
      ["act", "time", "what", "who", "why"],
      ...acts.map((act) => [String(act.seq), act.time, act.act, `${act.actor.id} (${act.actor.proof})`, actText(act, lock)].map(terminalSafe)),
    ]),
    ...table(clockRows(acts)),
    "",
    `Receipt: each act is a leaf of the ledger ${receipt.origin}, and leads to the root that its keys signed.`,
    ...table([...acts.map((act) => [`act ${act.seq}`, `leaf ${act.leafHash}`]), ["root", `${receipt.root} of ${receipt.size} acts`]]),
    ...table(receipt.vkeys.map(keyRow)),
    ...outsideLines(acts, receipt, mirror),
  ].map((line) => line.trimEnd());
}

function aboutRows(exhibit: string, acts: readonly Act[]): readonly (readonly string[])[] {
  const found = exhibitFromActs(exhibit, acts);
  if (found === null) return [["outcome", "none yet: its collection has begun and not ended"]];
  const { stored } = found;
  const target = acts.find((act) => act.target !== null)?.target ?? null;
  const rows: readonly (readonly [string, string | null])[] = [
    ["what", `${found.name} (${found.kind})`],
    ["from", target],
    ["outcome", found.detail === null ? found.outcome : `${found.outcome}: ${found.detail}`],
    ["sha256", found.sha256 === null ? null : `${found.sha256} over ${found.bytes} bytes`],
    ["kept at", stored === null ? null : `${stored.uri}${stored.version === null ? "" : ` version ${stored.version}`}`],
    ["kept as", stored?.encoding === "zstd" ? `zstd, ${stored.bytes} bytes; zstd -d gives the bytes that have the digest` : null],
    ["lock", stored === null ? null : stored.text],
  ];
  return rows.flatMap(([name, value]) => (value === null ? [] : [[name, terminalSafe(value)]]));
}

/** A time is worth what is known of the clock that gave it. */
function clockRows(acts: readonly Act[]): readonly (readonly string[])[] {
  const clocks = new Set(
    acts.map(({ clock }) => (clock.offsetMs === null ? clock.source : `${clock.source}, off by ${clock.offsetMs} ms ± ${clock.uncertaintyMs ?? "?"} ms`)),
  );
  const tools = new Set(acts.map(({ tool }) => `${tool.name} ${tool.version}, sha256 ${tool.sha256}`));
  return [...[...clocks].map((text) => ["clock", terminalSafe(text)]), ...[...tools].map((text) => ["tool", terminalSafe(text)])];
}

/** A key as log.vkey has it, but for the 1.3 kB of an ML-DSA key. */
function keyRow(line: string): readonly string[] {
  return ["key", line.length > 400 ? line.replace(/\+([0-9a-f]{8})\+.*$/, "+$1 (ML-DSA-44, whole in log.vkey)") : line];
}

/** Only the audit checks proofs, so none is called good here. */
function outsideLines(acts: readonly Act[], receipt: CustodyReceipt, mirror: string | null): readonly string[] {
  const mirrored = mirror === null ? [] : [terminalSafe(`Mirrored in the vault ${mirror}; \`holdfast verify\` holds this ledger against it.`)];
  const kinds = [...new Set(receipt.proofs.map(({ anchor }) => anchor))].sort();
  if (kinds.length === 0)
    return mirrored.length > 0 ? mirrored : ["Assurance: self. The record is consistent in itself; nothing outside this machine vouches for it yet."];
  const covered = acts.filter(({ seq }) => receipt.proofs.some(({ size }) => Number(size) > seq)).length;
  return [
    ...mirrored,
    terminalSafe(`Proofs from outside are kept for ${covered} of ${acts.length} acts (${kinds.join(", ")}); \`holdfast verify\` checks them.`),
  ];
}

/** The lock that holds now is said once, above. What was asked, approved or refused has its number and its name. */
function actText(act: Act, lock: string | null): string {
  const { detail } = act;
  const text = detail["text"];
  const request = typeof detail["request"] === "string" ? `request ${detail["request"]}` : null;
  const about = typeof detail["act"] === "string" ? (act.act === "refused" ? `"${detail["act"]}" was tried by ${triedBy(act)}` : detail["act"]) : null;
  const parts = [about, request, act.reason, act.authority === null ? null : `under ${act.authority}`, typeof text === "string" && text !== lock ? text : null];
  return parts.filter((part) => part !== null && part !== "").join("; ");
}

function triedBy(act: Act): string {
  const actor = act.detail["actor"];
  const id = typeof actor === "object" && actor !== null ? Object.entries(actor).find(([name]) => name === "id")?.[1] : null;
  return typeof id === "string" ? id : "somebody";
}
