import { connect as connectPlain, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { answerReader, type PlainAnswer } from "./block-answer.ts";
import type { SignedGet } from "./block-signature.ts";

/** Where a service answers. */
export type Origin = { readonly protocol: string; readonly hostname: string; readonly port: number | null };

/**
 * Kept connections for requests without a body, one request at a time on each. node:http makes two fresh copies of every byte that
 * it reads; here the system reads into one buffer (measured: 0.18 ms of processor time for a block of 512 KiB, 0.76
 * with node:http, 1.4 through the SDK).
 */
export type BlockLines = {
  /** Rejects as the system does; with `signal`, by closing the connection. */
  get(origin: Origin, request: SignedGet, room: () => Uint8Array, signal: AbortSignal): Promise<PlainAnswer>;
  close(): void;
};

type Line = { readonly socket: Socket; used: boolean; waiting: { read(piece: Buffer): void; fail(error: unknown): void } | null };

/** What the system reads into. Its bytes are taken before the next read of any connection begins, except on Windows, where reads are under way meanwhile. */
const bufferBytes = process.platform === "win32" ? 64 * 1024 : 256 * 1024;
const connecting = 10_000;

/** `trust`: certificates of authorities besides the system's, in PEM; for tests. */
export function openBlockLines(trust?: string): BlockLines {
  const idle = new Map<string, Line[]>();
  const lines = new Set<Line>();
  const common = Buffer.alloc(bufferBytes);

  function open(origin: Origin, key: string): Line {
    const onread = {
      buffer: process.platform === "win32" ? Buffer.alloc(bufferBytes) : common,
      callback: (length: number, bytes: Uint8Array): boolean => {
        // Bytes that nobody asked for are no answer to the next request.
        if (line.waiting === null) line.socket.destroy();
        else line.waiting.read(Buffer.from(bytes.buffer, bytes.byteOffset, length));
        return !line.socket.destroyed;
      },
    };
    const { hostname: host, port } = origin;
    const ca = trust === undefined ? {} : { ca: trust };
    const secure = origin.protocol === "https:";
    const socket = secure
      ? connectTls({ host, port: port ?? 443, servername: host, ALPNProtocols: ["http/1.1"], ...ca, ...{ onread } })
      : connectPlain({ host, port: port ?? 80, onread });
    const line: Line = { socket, used: false, waiting: null };
    lines.add(line);
    socket.setNoDelay(true);
    const slow = setTimeout(() => socket.destroy(failure("ETIMEDOUT", `no connection to ${host} in ${connecting} ms`)), connecting);
    socket.once(secure ? "secureConnect" : "connect", () => clearTimeout(slow));
    let cause: unknown = null;
    socket.on("error", (error) => {
      cause = error;
    });
    socket.on("end", () => socket.destroy());
    socket.on("close", () => {
      clearTimeout(slow);
      lines.delete(line);
      const kept = idle.get(key) ?? [];
      if (kept.includes(line)) kept.splice(kept.indexOf(line), 1);
      line.waiting?.fail(cause ?? failure("ECONNRESET", `${host} closed the connection before the end of its answer`));
    });
    return line;
  }

  function once(line: Line, key: string, head: string, room: () => Uint8Array, signal: AbortSignal): Promise<PlainAnswer> {
    return new Promise((resolve, reject) => {
      let settled = false;
      const read = answerReader(room);
      const end = (): void => {
        settled = true;
        line.waiting = null;
        signal.removeEventListener("abort", aborted);
      };
      const fail = (error: unknown): void => {
        if (settled) return;
        end();
        line.socket.destroy();
        reject(error);
      };
      const aborted = (): void => fail(signal.reason);
      const take = (answer: PlainAnswer | null): void => {
        if (answer === null || settled) return;
        end();
        if (answer.keep) idle.get(key)?.push(line);
        else line.socket.destroy();
        resolve(answer);
      };
      signal.addEventListener("abort", aborted, { once: true });
      line.waiting = {
        fail,
        read: (piece) => {
          try {
            take(read(piece));
          } catch (error) {
            fail(error);
          }
        },
      };
      line.socket.write(head, "latin1");
      line.used = true;
    });
  }

  return {
    async get(origin, request, room, signal) {
      signal.throwIfAborted();
      const key = `${origin.protocol}//${origin.hostname}:${origin.port}`;
      const kept = idle.get(key) ?? [];
      idle.set(key, kept);
      const head = [`GET ${request.target} HTTP/1.1`, ...request.headers.map(([name, value]) => `${name}: ${value}`), "", ""].join("\r\n");
      return once(kept.pop() ?? open(origin, key), key, head, room, signal);
    },
    close() {
      for (const line of lines) line.socket.destroy();
    },
  };
}

function failure(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}
