import { createServer, type Server, type Socket } from "node:net";
import type { VolatileDisk } from "./volatile-disk.ts";

// The NBD protocol, fixed newstyle with simple replies: github.com/NetworkBlockDevice/nbd, doc/proto.md.
const OPTION_MAGIC = 0x49_48_41_56_45_4f_50_54n; // IHAVEOPT
const OPTION_REPLY_MAGIC = 0x3_e8_89_04_55_65_a9n;
const REQUEST_MAGIC = 0x25_60_95_13;
const REPLY_MAGIC = 0x67_44_66_98;
const option = { exportName: 1, abort: 2, go: 7 } as const;
const reply = { ack: 1, info: 3, unsupported: 2 ** 31 + 1 } as const;
const command = { read: 0, write: 1, disconnect: 2, flush: 3 } as const;
const TRANSMISSION_FLAGS = 1 + 4 + 8; // has flags, honours FLUSH, honours FUA
const FORCE = 1;
const EINVAL = 22;

export type DiskRequest = "write" | "flush";

/** Serves the disk on a Unix socket. `before` is asked ahead of each write and flush: on false the power is gone, and nothing is done any more. */
export async function serveDisk(path: string, disk: VolatileDisk, before: (request: DiskRequest) => boolean): Promise<{ stop(): Promise<void> }> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => socket.destroy()); // the machine was killed: that is what this is for
    void talk(socket, disk, before).finally(() => socket.destroy());
  });
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(path, resolve));
  return {
    async stop() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function talk(socket: Socket, disk: VolatileDisk, before: (request: DiskRequest) => boolean): Promise<void> {
  const take = taker(socket);
  if (!(await negotiate(socket, take, disk.bytes))) return;
  for (;;) {
    const head = await take(28);
    if (head === null || head.readUInt32BE(0) !== REQUEST_MAGIC) return;
    const [flags, type, cookie] = [head.readUInt16BE(4), head.readUInt16BE(6), head.subarray(8, 16)];
    const [at, length] = [Number(head.readBigUInt64BE(16)), head.readUInt32BE(24)];
    const data = type === command.write ? await take(length) : Buffer.alloc(0);
    if (data === null || type === command.disconnect) return;
    if (type === command.write && !before("write")) return;
    if (type === command.flush && !before("flush")) return;
    const outside = at + length > disk.bytes;
    const known = type === command.read || type === command.write || type === command.flush;
    if (known && !outside) {
      if (type === command.write) disk.write(at, data, (flags & FORCE) !== 0);
      if (type === command.flush) disk.flush();
    }
    const answer = Buffer.alloc(16);
    answer.writeUInt32BE(REPLY_MAGIC, 0);
    answer.writeUInt32BE(known && !outside ? 0 : EINVAL, 4);
    cookie.copy(answer, 8);
    socket.write(answer);
    if (type === command.read && !outside) socket.write(Buffer.from(disk.read(at, length)));
  }
}

async function negotiate(socket: Socket, take: Taker, bytes: number): Promise<boolean> {
  socket.write(Buffer.from("NBDMAGICIHAVEOPT\0\x03", "latin1")); // fixed newstyle, and no 124 zeros where both say so
  const clientFlags = await take(4);
  for (;;) {
    const head = await take(16);
    if (clientFlags === null || head === null || head.readBigUInt64BE(0) !== OPTION_MAGIC) return false;
    const asked = head.readUInt32BE(8);
    if ((await take(head.readUInt32BE(12))) === null || asked === option.abort) return false;
    const size = Buffer.alloc(10);
    size.writeBigUInt64BE(BigInt(bytes), 0);
    size.writeUInt16BE(TRANSMISSION_FLAGS, 8);
    if (asked === option.exportName) {
      socket.write(Buffer.concat([size, Buffer.alloc((clientFlags.readUInt32BE(0) & 2) !== 0 ? 0 : 124)]));
      return true;
    }
    if (asked === option.go) {
      socket.write(optionReply(asked, reply.info, Buffer.concat([Buffer.alloc(2), size])));
      socket.write(optionReply(asked, reply.ack, Buffer.alloc(0)));
      return true;
    }
    socket.write(optionReply(asked, reply.unsupported, Buffer.alloc(0)));
  }
}

function optionReply(asked: number, type: number, data: Buffer): Buffer {
  const head = Buffer.alloc(20);
  head.writeBigUInt64BE(OPTION_REPLY_MAGIC, 0);
  head.writeUInt32BE(asked, 8);
  head.writeUInt32BE(type, 12);
  head.writeUInt32BE(data.length, 16);
  return Buffer.concat([head, data]);
}

type Taker = (length: number) => Promise<Buffer | null>;

/** Exactly so many bytes, or null at the end. */
function taker(socket: Socket): Taker {
  let held: Buffer = Buffer.alloc(0);
  const pieces: AsyncIterator<Buffer> = socket[Symbol.asyncIterator]();
  return async (length) => {
    while (held.length < length) {
      const next = await pieces.next().catch(() => null);
      if (next === null || next.done === true) return null;
      held = Buffer.concat([held, next.value]);
    }
    const taken = held.subarray(0, length);
    held = held.subarray(length);
    return taken;
  };
}
