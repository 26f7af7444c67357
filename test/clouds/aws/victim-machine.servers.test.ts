import { execFileSync } from "node:child_process";
import { createServer } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { connectVictim, parseVictimInfo } from "./victim-machine.ts";

/** As in the host collector's tests: a program with the commands `start` and `info`. */
const victim = process.env["HOLDFAST_TEST_VICTIM"] ?? "";

test.skipIf(victim === "")("orders run on the virtual machine, reach a server here, and die when they are told to", { timeout: 600_000 }, async () => {
  execFileSync(victim, ["start"], { stdio: "ignore" });
  const machine = await connectVictim(parseVictimInfo(execFileSync(victim, ["info"], { encoding: "utf8" })));
  const server = createServer((_, response) => response.end("from this side"));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const order = (script: string): Parameters<typeof machine.run>[0] => ({
    document: "AWS-RunShellScript",
    script,
    directory: null,
    environment: { NAMED: "it's there" },
  });
  try {
    await machine.reach(port);
    const get = `exec 3<>/dev/tcp/127.0.0.1/${port}; printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3; tail -n 1 <&3`;
    const first = machine.run(order(`#!/bin/bash\necho "$NAMED on $(hostname)"; ${get}\nexit 3`));
    expect(await first.ended).toEqual({ kind: "exited", code: 3 });
    expect(first.stdout()).toBe("it's there on victim01\nfrom this side");
    const long = machine.run(order("echo begun; sleep 7654; echo never"));
    while (!long.stdout().includes("begun")) await sleep(100);
    const beside = machine.run(order("pgrep -fc 'sleep 765[4]'"));
    expect(await beside.ended).toEqual({ kind: "exited", code: 0 });
    long.kill();
    expect(await long.ended).toEqual({ kind: "killed" });
    expect(await machine.ask("pgrep -f 'sleep 765[4]' || echo none")).toBe("none\n");
  } finally {
    await machine.stop();
    await new Promise((resolve) => server.close(resolve));
  }
});
