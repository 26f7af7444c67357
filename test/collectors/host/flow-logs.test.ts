import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { flowLogs } from "../../../collectors/host/flow-logs.ts";
import { gather, makeParent, placeAt, temporary, window } from "./gathering.ts";

function kernel(root: string, files: Readonly<Record<string, string>>): string {
  mkdirSync(join(root, "proc/net"), { recursive: true });
  for (const [path, text] of Object.entries(files)) writeFileSync(makeParent(join(root, path)), text);
  return root;
}

describe("flow logs of a host", () => {
  test("tracked connections, their statistics and the socket tables are taken as the kernel shows them", async () => {
    using home = temporary();
    const files = {
      "proc/net/nf_conntrack": "ipv4 2 tcp 6 431999 ESTABLISHED src=10.0.0.1\n",
      "proc/net/stat/nf_conntrack": "entries\n",
      "proc/net/tcp": "head\n",
      "proc/net/ip_tables_names": "",
      "proc/sys/net/netfilter/nf_conntrack_count": "1\n",
    };
    const got = await gather(flowLogs(placeAt(kernel(home.path, files)), window), home.path);
    for (const [path, text] of Object.entries(files)) expect(got.read(`root/${path}`).toString()).toBe(text);
    expect(got.report.outcome).toBe("collected");
    expect(got.report.detail).toMatch(/keeps no history/);
  });

  test("a kernel that tracks and filters nothing is `source-disabled`, each item named", async () => {
    using home = temporary();
    const got = await gather(flowLogs(placeAt(kernel(home.path, { "proc/net/tcp": "head\n" })), window), home.path);
    expect(got.report.outcome).toBe("source-disabled");
    expect(got.report.coverage?.gaps.map((gap) => [gap.what, gap.outcome])).toEqual([
      ["connection tracking", "source-disabled"],
      ["packet filter", "source-disabled"],
    ]);
    expect(got.listing).toContain("root/proc/net/tcp");
  });

  test("a kernel that only tracks nothing is `source-disabled` too, with the reason in words and its other tables taken", async () => {
    using home = temporary();
    const got = await gather(flowLogs(placeAt(kernel(home.path, { "proc/net/tcp": "head\n", "proc/net/ip_tables_names": "filter\n" })), window), home.path);
    expect(got.report).toMatchObject({ outcome: "source-disabled", detail: expect.stringMatching(/nf_conntrack is not loaded/) });
    expect(got.report.files).toBe(2);
  });

  test("tracking without a file for it is not taken for no tracking", async () => {
    using home = temporary();
    const got = await gather(
      flowLogs(
        placeAt(kernel(home.path, { "proc/net/tcp": "head\n", "proc/net/ip_tables_names": "", "proc/sys/net/netfilter/nf_conntrack_count": "7\n" })),
        window,
      ),
      home.path,
    );
    expect(got.report.outcome).toBe("truncated");
    expect(got.report.coverage?.gaps).toEqual([{ what: "connection tracking", outcome: "unavailable", reason: expect.stringMatching(/not loaded/) }]);
  });

  test("this machine answers", async () => {
    using home = temporary();
    const got = await gather(flowLogs(placeAt("/"), window), home.path);
    expect(got.listing).toContain("root/proc/net/tcp");
    expect(["collected", "truncated", "source-disabled"]).toContain(got.report.outcome);
  });
});
