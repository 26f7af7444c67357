import type { GuestEnding } from "./guest.ts";
import type { None } from "../client/refused.ts";

type Cause = { readonly outcome: None["outcome"]; readonly text: string };

/** What a script's own word for its end means; null where nothing went wrong. */
const causes: Readonly<Record<GuestEnding, Cause | null>> = {
  ready: null,
  dumped: null,
  dropped: null,
  cleaned: null,
  "not-root": { outcome: "denied", text: "the agent's scripts do not run with the rights that reading all of memory takes" },
  "not-x86_64": { outcome: "unavailable", text: "the memory tool exists for x86_64 only" },
  lockdown: { outcome: "unavailable", text: "kernel lockdown (confidentiality) forbids it" },
  "no-kcore": { outcome: "unavailable", text: "this kernel offers no readable /proc/kcore" },
  "no-tmpfs-space": { outcome: "unavailable", text: "no tmpfs has room for the tool and one part, and nothing is written to a disk" },
  "no-disk-space": { outcome: "unavailable", text: "the system volume has no room for the tool" },
  "no-http-client": { outcome: "unavailable", text: "the host has no curl, no wget and no python3 that could upload" },
  "no-utilities": { outcome: "unavailable", text: "the host lacks utilities that the script needs" },
  "no-place": { outcome: "failed", text: "the script's directory is gone, or another run of this step uses it" },
  "no-tool-fetch": { outcome: "failed", text: "the host could not fetch the memory tool from the vault: is there a way from it to the vault's endpoint?" },
  "tool-mismatch": { outcome: "failed", text: "what the host fetched is not the pinned tool; it was not started" },
  "bad-tickets": { outcome: "failed", text: "the host could not read the upload links that it was given" },
  "tickets-ran-out": { outcome: "failed", text: "the upload links ran out and no new ones came in time" },
  "upload-failed": { outcome: "failed", text: "the host could not upload a part" },
  "tool-failed": { outcome: "failed", text: "the memory tool ended with an error" },
  interrupted: { outcome: "failed", text: "the script was interrupted" },
};

export function isEnding(word: unknown): word is GuestEnding {
  return typeof word === "string" && Object.hasOwn(causes, word);
}

export function causeOf(word: GuestEnding): Cause | null {
  return causes[word];
}
