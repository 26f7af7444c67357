import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { PartLink } from "../../../collectors/aws/memory/tickets.ts";

/** Decides what becomes of a PUT before its body counts: an HTTP status, `reset`, or null for the ordinary way. `tries` counts from 1. */
export type PartFault = (number: number, tries: number, signature: string) => number | "reset" | "slow" | null;

export type PartServer = {
  /** Parts that were taken, by number. */
  readonly parts: ReadonlyMap<number, Buffer>;
  readonly requests: readonly string[];
  fault: PartFault;
  tool: { status: number; bytes: Buffer };
  toolLink(): string;
  /** `generation` tells batches apart: it is the first digit of the signature. */
  links(from: number, to: number, generation?: number): readonly PartLink[];
  together(): Buffer;
  [Symbol.asyncDispose](): Promise<void>;
};

/** Plays presigned GET and UploadPart as S3 does where Object Lock is on: a part needs a Content-MD5 that is right (facts/aws.md §7.3), and no x-amz header may come that was not signed. */
export async function partServer(): Promise<PartServer> {
  const parts = new Map<number, Buffer>();
  const tries = new Map<number, number>();
  const requests: string[] = [];
  const answer = (response: ServerResponse, status: number, body = ""): void => void response.writeHead(status).end(body);
  const take = (request: IncomingMessage, response: ServerResponse, at: URL): void => {
    const number = Number(at.searchParams.get("partNumber"));
    const signature = at.searchParams.get("X-Amz-Signature") ?? "";
    const count = (tries.get(number) ?? 0) + 1;
    tries.set(number, count);
    const fault = self.fault(number, count, signature);
    if (fault === "reset") return void request.socket.destroy();
    const pieces: Buffer[] = [];
    request.on("data", (piece: Buffer) => pieces.push(piece));
    request.on("end", () => {
      const body = Buffer.concat(pieces);
      const digest = createHash("md5").update(body).digest("base64");
      if (typeof fault === "number") answer(response, fault, "<Error/>");
      else if (signature !== signatureOf(number, Number(signature[0]))) answer(response, 403, "<Error><Code>SignatureDoesNotMatch</Code></Error>");
      else if (Object.keys(request.headers).some((name) => name.startsWith("x-amz-"))) answer(response, 403, "<Error><Code>AccessDenied</Code></Error>");
      else if (request.headers["content-md5"] === undefined) answer(response, 400, "<Error><Code>InvalidRequest</Code></Error>");
      else if (request.headers["content-md5"] !== digest) answer(response, 400, "<Error><Code>BadDigest</Code></Error>");
      else {
        parts.set(number, body);
        if (fault === "slow") setTimeout(() => answer(response, 200), 30_000).unref();
        else answer(response, 200);
      }
    });
  };
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    const at = new URL(request.url ?? "/", "http://127.0.0.1");
    if (request.method === "PUT" && at.pathname === "/vault/case/memory.lime") take(request, response, at);
    else if (request.method === "GET" && at.pathname === "/tools/avml")
      response.writeHead(self.tool.status).end(self.tool.status === 200 ? self.tool.bytes : "");
    else answer(response, 405);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const query =
    "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAEXAMPLE%2F20261124%2Feu-west-1%2Fs3%2Faws4_request&X-Amz-Date=20261124T090000Z&X-Amz-Expires=900";
  const self: PartServer = {
    parts,
    requests,
    fault: () => null,
    tool: { status: 200, bytes: Buffer.alloc(0) },
    toolLink: () => `http://127.0.0.1:${port}/tools/avml?${query}&X-Amz-Signature=${"e".repeat(64)}&X-Amz-SignedHeaders=host&x-id=GetObject`,
    links: (from, to, generation = 0) =>
      Array.from({ length: to - from + 1 }, (_, index) => ({
        number: from + index,
        url: `http://127.0.0.1:${port}/vault/case/memory.lime?${query}&X-Amz-Signature=${signatureOf(from + index, generation)}&X-Amz-SignedHeaders=host&partNumber=${from + index}&uploadId=abc&x-id=UploadPart`,
      })),
    together: () => Buffer.concat([...parts].sort(([a], [b]) => a - b).map(([, bytes]) => bytes)),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return self;
}

function signatureOf(number: number, generation: number): string {
  return `${generation}${createHash("sha256").update(`${generation} ${number}`).digest("hex").slice(1)}`;
}
