import { randomBytes } from "node:crypto";
import { memoryPreflightScript } from "../../../collectors/aws/memory/preflight-script.ts";
import { memoryScript } from "../../../collectors/aws/memory/script.ts";
import { memoryDropScript } from "../../../collectors/aws/memory/ticket-script.ts";
import { plainTickets, sealedTickets, ticketText } from "../../../collectors/aws/memory/tickets.ts";
import type { GuestHost, GuestRun } from "./guest-host.ts";
import type { PartServer } from "./part-server.ts";

export const token = "0123456789abcdef0123";

export function preflight(guest: GuestHost, shell: readonly string[], needBytes: number = 4 << 20): Promise<GuestRun> {
  return guest.run(memoryPreflightScript({ token, needBytes, places: guest.places }), shell);
}

export function dumpOf(
  guest: GuestHost,
  server: PartServer,
  ready: GuestRun,
  tool: string,
  wish: { readonly links: readonly [number, number]; readonly sealed?: boolean; readonly sha256?: string; readonly patience?: number },
): string {
  const { bytes, sha256 } = guest.tool(tool);
  server.tool.bytes = bytes;
  const text = ticketText(server.links(...wish.links), server.toolLink());
  return memoryScript({
    token,
    directory: String(ready.answer["directory"]),
    http: httpOf(ready),
    tool: { bytes: bytes.length, sha256: wish.sha256 ?? sha256 },
    partSize: 128 * 1024,
    batch: wish.sealed === true ? sealedTickets(text, Buffer.from(String(ready.answer["publicKey"]), "base64"), randomBytes) : plainTickets(text),
    tries: 3,
    patience: wish.patience ?? 2,
    poll: 1,
    places: guest.places,
  });
}

export function batchFor(guest: GuestHost, server: PartServer, ready: GuestRun, number: number, links: readonly [number, number]): string {
  const batch = plainTickets(ticketText(server.links(...links, number), null));
  return memoryDropScript({ token, directory: String(ready.answer["directory"]), number, batch, places: guest.places });
}

function httpOf(ready: GuestRun): "curl" | "wget" | "python3" {
  const name = ready.answer["http"];
  if (name === "curl" || name === "wget" || name === "python3") return name;
  throw new Error(`the preflight gave no client: ${ready.out} ${ready.said}`);
}
