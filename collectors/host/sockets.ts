import { printable } from "../../src/core/printable.ts";

/** One row of a socket table of /proc/net, with whoever holds the socket's inode. */
export type SocketRow = {
  readonly protocol: string;
  readonly local: string | null;
  readonly remote: string | null;
  readonly state: string | null;
  readonly uid: number | null;
  readonly inode: string;
};

const tcpStates = [
  "",
  "ESTABLISHED",
  "SYN_SENT",
  "SYN_RECV",
  "FIN_WAIT1",
  "FIN_WAIT2",
  "TIME_WAIT",
  "CLOSE",
  "CLOSE_WAIT",
  "LAST_ACK",
  "LISTEN",
  "CLOSING",
  "NEW_SYN_RECV",
];

/** Rows of one table, by the file's name (proc_pid_net(5)). Lines that do not have the columns are left out: the file is a member. */
export function parseSockets(protocol: string, bytes: Uint8Array): readonly SocketRow[] {
  const lines = Buffer.from(bytes).toString("latin1").split("\n").slice(1);
  return lines.flatMap((line) => {
    const row =
      protocol === "unix"
        ? unixRow(line)
        : protocol === "packet"
          ? columns(protocol, line, 8, 7)
          : protocol === "netlink"
            ? columns(protocol, line, 9, null)
            : internetRow(protocol, line);
    return row === null ? [] : [row];
  });
}

function internetRow(protocol: string, line: string): SocketRow | null {
  const words = line.trim().split(/\s+/);
  const [, local, remote, state] = words;
  const inode = words[9];
  if (local === undefined || remote === undefined || state === undefined || inode === undefined) return null;
  const name = protocol.startsWith("tcp") ? (tcpStates[Number.parseInt(state, 16)] ?? state) : null;
  return { protocol, local: endpoint(local), remote: endpoint(remote), state: name, uid: Number(words[7]), inode };
}

function unixRow(line: string): SocketRow | null {
  const match = /^[0-9a-f]+: [0-9A-F]+ [0-9A-F]+ ([0-9A-F]+) [0-9A-F]+ ([0-9A-F]+)\s+(\d+)(?: (.*))?$/.exec(line);
  if (match?.[3] === undefined) return null;
  const listening = (Number.parseInt(match[1] ?? "0", 16) & 0x10000) !== 0;
  return {
    protocol: "unix",
    local: match[4] === undefined ? null : printable(Buffer.from(match[4], "latin1")),
    remote: null,
    state: listening ? "LISTEN" : match[2] === "03" ? "CONNECTED" : null,
    uid: null,
    inode: match[3],
  };
}

function columns(protocol: string, line: string, inodeAt: number, uidAt: number | null): SocketRow | null {
  const words = line.trim().split(/\s+/);
  const inode = words[inodeAt];
  return inode === undefined ? null : { protocol, local: null, remote: null, state: null, uid: uidAt === null ? null : Number(words[uidAt]), inode };
}

/** `0100007F:0016` → `127.0.0.1:22`. The kernel prints 32-bit words in the machine's order: little-endian on all that is supported. */
export function endpoint(text: string): string {
  const [address = "", port = ""] = text.split(":");
  const bytes = Buffer.from(address, "hex");
  for (let at = 0; at + 4 <= bytes.length; at += 4) bytes.subarray(at, at + 4).reverse();
  const number = Number.parseInt(port, 16);
  if (bytes.length === 4) return `${bytes.join(".")}:${number}`;
  const groups = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(index * 2).toString(16));
  return `[${groups.join(":")}]:${number}`;
}
