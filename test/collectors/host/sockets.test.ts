import { createServer } from "node:net";
import { describe, expect, test } from "vitest";
import { endpoint, parseSockets } from "../../../collectors/host/sockets.ts";
import { state } from "../../../collectors/host/state.ts";
import { gather, placeAt, temporary } from "./gathering.ts";

describe("socket tables", () => {
  test.for([
    ["0100007F:0016", "127.0.0.1:22"],
    ["00000000:115C", "0.0.0.0:4444"],
    ["00000000000000000000000001000000:0050", "[0:0:0:0:0:0:0:1]:80"],
    ["B80D01200000000067452301EFCDAB89:01BB", "[2001:db8:0:0:123:4567:89ab:cdef]:443"],
  ] as const)("%s is %s", ([hex, shown]) => expect(endpoint(hex)).toBe(shown));

  test("the example of proc_pid_net(5)-shaped tables is read by column", () => {
    const tcp =
      "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n   0: 0100007F:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 12345 1 0000 100 0 0 10 0\n";
    expect(parseSockets("tcp", Buffer.from(tcp))).toEqual([
      { protocol: "tcp", local: "127.0.0.1:22", remote: "0.0.0.0:0", state: "LISTEN", uid: 1000, inode: "12345" },
    ]);
    const unix =
      "Num       RefCount Protocol Flags    Type St Inode Path\n000000002b9df0b0: 00000002 00000000 00010000 0001 01  777 /run/a b.sock\n0000000066219ea1: 00000003 00000000 00000000 0001 03  1175\n";
    expect(parseSockets("unix", Buffer.from(unix))).toMatchObject([
      { local: "/run/a b.sock", state: "LISTEN", inode: "777" },
      { local: null, state: "CONNECTED", inode: "1175" },
    ]);
  });

  test("a table cut or garbled gives the rows that are whole", () => {
    expect(parseSockets("tcp", Buffer.from("head\n  0: 01\nnonsense\n"))).toEqual([]);
    expect(parseSockets("unix", Buffer.from("head\n\x1b[2J\n"))).toEqual([]);
    expect(parseSockets("netlink", Buffer.from(""))).toEqual([]);
  });
});

describe("this machine's sockets", () => {
  test("a listener of ours is found with our process as its owner", async () => {
    using home = temporary();
    const server = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    const address = server.address();
    const port = typeof address === "object" ? address?.port : undefined;
    const got = await gather(state(placeAt("/")), home.path);
    server.close();
    const rows = got
      .read("derived/sockets.jsonl")
      .toString()
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    const ours = rows.filter((row) => row.protocol === "tcp" && row.local === `127.0.0.1:${port}`);
    expect(ours).toMatchObject([{ state: "LISTEN", owners: [{ pid: process.pid }] }]);
  });
});
