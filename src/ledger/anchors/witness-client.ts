import type { Fetch } from "../../core/ports.ts";
import { boundedPost } from "./bounded-post.ts";
import { type Checkpoint, formatBody } from "../format/checkpoint.ts";
import { cosignedAt, isBy, type WitnessKey } from "./cosignature.ts";
import type { Hash } from "../format/merkle.ts";
import { formatNote, type Note, type NoteSignature, parseNote } from "../format/note.ts";

export type Witness = { readonly name: string; readonly url: string; readonly key: WitnessKey };

/** What a witness said to one add-checkpoint. Nothing here is signed but `cosigned`. */
export type WitnessAnswer =
  | { readonly kind: "cosigned"; readonly line: NoteSignature; readonly time: number }
  /** 409: it holds another size than the one that was named as old. */
  | { readonly kind: "knows"; readonly size: number }
  /** 422: what it holds is no prefix of this checkpoint's tree. */
  | { readonly kind: "fork"; readonly text: string }
  /** 403, 404: it does not know this log, or not this key. */
  | { readonly kind: "misconfigured"; readonly text: string }
  /** Anything else: a broken answer is not one to wait for. */
  | { readonly kind: "broken"; readonly text: string };

export type AddCheckpoint = { readonly old: number; readonly proof: readonly Hash[]; readonly note: Buffer; readonly checkpoint: Checkpoint };

const LIMITS = { ms: 10_000, bytes: 1 << 16 };
const MAX_PROOF = 63;

/** One POST of C2SP tlog-witness. Throws only the reason of `signal`. */
export async function addCheckpoint(witness: Witness, ask: AddCheckpoint, fetch: Fetch, signal: AbortSignal): Promise<WitnessAnswer> {
  if (ask.proof.length > MAX_PROOF) throw new RangeError(`a consistency proof has at most ${MAX_PROOF} hashes`);
  const head = `old ${ask.old}\n${ask.proof.map((h) => `${h.toString("base64")}\n`).join("")}\n`;
  const url = `${witness.url.replace(/\/+$/, "")}/add-checkpoint`;
  const answer = await boundedPost(fetch, { url, type: null, body: Buffer.concat([Buffer.from(head), ask.note]) }, LIMITS, signal);
  if (answer.kind === "silent") return { kind: "broken", text: answer.text };
  const said = words(answer.body);
  switch (answer.status) {
    case 200:
      return accept(witness.key, ask.checkpoint, answer.body);
    case 409:
      return knownSize(answer.type, answer.body);
    case 422:
      return { kind: "fork", text: said };
    case 403:
      return { kind: "misconfigured", text: `it refuses our signature (403${said}); give its operator the keys in log.vkey` };
    case 404:
      return { kind: "misconfigured", text: `it does not know the log ${ask.checkpoint.origin} (404${said}); ask its operator to add it` };
    default:
      return { kind: "broken", text: `it answered ${answer.status}${said}` };
  }
}

/** Lines of keys that are not this witness's are passed over; one of its own that does not hold spoils the answer. */
function accept(key: WitnessKey, checkpoint: Checkpoint, body: Buffer): WitnessAnswer {
  let note: Note;
  try {
    note = parseNote(Buffer.concat([Buffer.from(`${formatBody(checkpoint)}\n`), body]));
  } catch {
    return { kind: "broken", text: "it answered 200 with something that is no signature line" };
  }
  const lines = note.signatures.filter((line) => isBy(line, key));
  const [first] = lines;
  if (first === undefined)
    return {
      kind: "broken",
      text: `its answer is signed by ${note.signatures.map((s) => s.name).join(", ")}, not by the key of ${key.name} in the configuration`,
    };
  for (const line of lines)
    if (cosignedAt(note, checkpoint, key, line) === null) return { kind: "broken", text: `its cosignature does not verify under the key of ${key.name}` };
  return { kind: "cosigned", line: first, time: cosignedAt(note, checkpoint, key, first) ?? 0 };
}

function knownSize(type: string, body: Buffer): WitnessAnswer {
  const digits = /^(0|[1-9]\d{0,15})\n$/.exec(body.toString("latin1"))?.[1];
  const size = Number(digits);
  if (digits === undefined || !Number.isSafeInteger(size) || !type.startsWith("text/x.tlog.size"))
    return { kind: "broken", text: `it answered 409 without the size it knows${words(body)}` };
  return { kind: "knows", size };
}

/** The beginning of an error page, for a person. Callers show it terminal-safe. */
function words(body: Buffer): string {
  const text = body.toString("utf8").trim().split("\n")[0]?.slice(0, 120) ?? "";
  return text === "" ? "" : `: ${text}`;
}

/** Our checkpoint with the witness's line behind our own: what is kept, and what others verify with any note library. */
export function cosignedNote(note: Note, line: NoteSignature): string {
  return formatNote({ text: note.text, signatures: [...note.signatures, line] });
}
