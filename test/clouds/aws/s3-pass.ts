import { Agent, type IncomingMessage, request, type ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";

export type S3Pass = { readonly pass: (message: IncomingMessage, response: ServerResponse) => Promise<void>; readonly close: () => void };

/** S3 requests go on unchanged (the client's Host too, since SigV4 signs it), bodies stream both ways. */
export function s3Pass(upstream: string): S3Pass {
  const target = new URL(upstream);
  // A connection a request: a kept one that the server just closed would be a fault that nobody asked for.
  const agent = new Agent({ keepAlive: false });
  return {
    close: () => agent.destroy(),
    pass: async (message, response) => {
      const headers = message.rawHeaders.filter((_, i, all) => !hop.has((all[i - (i % 2)] ?? "").toLowerCase()));
      const on = request({ host: target.hostname, port: target.port, method: message.method, path: message.url, headers, agent, setHost: false });
      response.once("close", () => {
        if (!response.writableFinished) on.destroy();
      });
      const answered = new Promise<IncomingMessage>((resolve, reject) => {
        on.once("response", resolve);
        on.once("error", reject);
      });
      // An early refusal may close the way in before the body went through; then only the answer counts.
      pipeline(message, on).catch(() => undefined);
      const answer = await answered;
      response.sendDate = false;
      response.writeHead(answer.statusCode ?? 502, Object.fromEntries(Object.entries(answer.headers).filter(([name]) => !hop.has(name))));
      await pipeline(answer, response);
    },
  };
}

const hop = new Set(["connection", "keep-alive", "expect", "proxy-connection", "te", "upgrade"]);
