import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { accessLogsRoom } from "../../../collectors/aws/access-logs/access-logs.ts";
import { damageTrail, type TrailDamage } from "../../clouds/aws/trail-damage.ts";
import { buildTrail, type TrailBucket, type TrailOptions } from "../../clouds/aws/trail-bucket.ts";
import { plant } from "../../clouds/aws/planted.ts";
import { trailOf } from "./log-plants.ts";
import { account, hour, type LogRig, noon, openLogRig, region, type Taken, windowFrom } from "./log-rig.ts";

let rig: LogRig;
/** Four hours of a trail, all delivered long ago; the window is the second and third of them. */
const options: TrailOptions = { account, region, trail: "main", bucket: "trail-bucket", from: new Date(noon.getTime() - 12 * hour), hours: 4, logsAnHour: 3 };
const window = windowFrom(-11, -9);

beforeEach(async () => {
  rig = await openLogRig([{ name: "trail-bucket" }, { name: "flow-logs" }]);
});
afterEach(() => rig.close());

async function plantTrail(bucket: TrailBucket, more: Parameters<typeof trailOf>[1] = {}): Promise<void> {
  await plant(rig.client, bucket.options.bucket, bucket.objects.values());
  rig.trails.publicKeys.push(bucket.publicKey);
  if (!rig.trails.trails.some(({ name }) => name === bucket.options.trail)) rig.trails.trails.push(trailOf(bucket.options, more));
}

async function taken(wish: Parameters<LogRig["plan"]>[1] = { window }): Promise<Taken> {
  const [step] = await rig.plan(accessLogsRoom, wish);
  return rig.take(accessLogsRoom, step ?? expect.fail("no step was planned"));
}

function reportOf({ members }: Taken): readonly { readonly kind: string; readonly verdict?: string; readonly key?: string }[] {
  const text = members.get("derived/cloudtrail-digest-report.jsonl")?.toString("utf8") ?? "";
  return text === ""
    ? []
    : text
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line));
}

describe("trail files", () => {
  test("digests with their signatures and log files, byte for byte, and a chain that is valid", async () => {
    const trail = buildTrail(options);
    await plantTrail(trail);
    const found = await taken();
    const objects = [...found.members].filter(([name]) => name.startsWith("s3/trail-bucket/"));
    // Digests of the hours that touch the window, at its edges too; all log files that they name.
    expect(objects.filter(([name]) => name.includes("/CloudTrail-Digest/")).length).toBe(4);
    expect(objects.filter(([name]) => name.includes("/CloudTrail/")).length).toBe(12);
    for (const [name, bytes] of objects) expect(bytes.equals(trail.objects.get(name.slice("s3/trail-bucket/".length))?.bytes ?? Buffer.of())).toBe(true);
    for (const key of trail.digests) {
      const said = JSON.parse(found.members.get(`s3-metadata/trail-bucket/${key}.json`)?.toString("utf8") ?? "null");
      expect(said).toMatchObject({ bucket: "trail-bucket", key, metadata: trail.objects.get(key)?.metadata ?? {} });
    }
    const keys = JSON.parse(found.members.get(`cloudtrail/${region}/ListPublicKeys/page-000001.json`)?.toString("utf8") ?? "null");
    expect(keys).toMatchObject({ PublicKeyList: [{ Fingerprint: trail.key.fingerprint }] });
    expect(reportOf(found).at(-1)).toMatchObject({ kind: "summary", verdict: "valid" });
    expect(found.report).toMatchObject({ outcome: "collected", coverage: { got: window, gaps: [] } });
    expect(found.report.detail).toMatch(/digest chain of .*trail\/main in eu-west-1: valid/);
  });

  test.for([
    ["deleted_log", /^log file .*\.json\.gz$/, /^missing/],
    ["altered_log", /^log file/, /^altered/],
    ["log_trailing_bytes", /^log file/, /^damaged/],
    ["moved_log", /^log file/, /^missing/],
    ["missing_digest_middle", /^digest trail-bucket/, /^missing/],
    ["altered_digest", /^digest trail-bucket/, /^bad-signature/],
    ["wrong_key", /^digest trail-bucket/, /^bad-signature/],
    ["unknown_key", /^digest trail-bucket/, /^key-unknown/],
    ["altered_signature", /^digest trail-bucket/, /^bad-signature/],
    ["no_signature_metadata", /^digest trail-bucket/, /^no-signature/],
    ["moved_digest", /^digest trail-bucket/, /^moved/],
    ["relinked_digest", /^digest trail-bucket/, /^relinked/],
  ] as const satisfies readonly (readonly [TrailDamage, RegExp, RegExp])[])("%s is named in the coverage", async ([damage, what, why]) => {
    const trail = buildTrail(options);
    const subject = damageTrail(trail, damage);
    await plantTrail(trail);
    const found = await taken();
    expect(found.report.outcome).toBe("truncated");
    const gap = found.report.coverage?.gaps.find((one) => what.test(one.what) && why.test(one.reason));
    expect(gap?.what).toBe(`${what.source.startsWith("^log") ? "log file" : "digest"} trail-bucket/${subject}`);
    expect(reportOf(found).at(-1)?.verdict).not.toBe("valid");
    if (damage === "altered_log") expect(found.members.get(`s3/trail-bucket/${subject}`)?.equals(trail.objects.get(subject)?.bytes ?? Buffer.of())).toBe(true);
  });

  test("a log file recompressed keeps its content, and the newest and oldest digest that are missing are uncovered time", async () => {
    const trail = buildTrail(options);
    damageTrail(trail, "log_recompressed");
    for (const key of trail.digests.slice(2)) trail.objects.delete(key);
    await plantTrail(trail);
    const { report } = await taken();
    expect(report.coverage?.gaps).toContainEqual(
      expect.objectContaining({ what: "digests of 2026-11-24T02:00:00.000Z to 2026-11-24T03:00:00.000Z", outcome: "unavailable" }),
    );
    expect(report.coverage?.gaps.some(({ what }) => what.startsWith("log file"))).toBe(true); // what no digest covers is said, file by file
  });

  test("a file that no digest names was put there by somebody else", async () => {
    const trail = buildTrail(options);
    const like = trail.logs[4] ?? "";
    const added = like.replace(/_[0-9a-f]{16}\.json\.gz$/, "_aaaaaaaaaaaaaaaa.json.gz");
    trail.objects.set(added, { key: added, bytes: trail.objects.get(like)?.bytes ?? Buffer.of(), metadata: {} });
    await plantTrail(trail);
    expect((await taken()).report.coverage?.gaps).toEqual([
      { what: `log file trail-bucket/${added}`, outcome: "failed", reason: "added: no digest names it, though valid digests cover its time" },
    ]);
  });

  test("an object that may not be read is denied, by name, in the archive and in the chain", async () => {
    const trail = buildTrail(options);
    await plantTrail(trail);
    const key = trail.logs[5] ?? "";
    rig.s3.denied.add(`GetObject trail-bucket/${key}`);
    const { report } = await taken();
    expect(report.coverage?.gaps.map(({ what, outcome }) => [what, outcome])).toEqual([
      [`s3://trail-bucket/${key}`, "denied"],
      [`log file trail-bucket/${key}`, "denied"],
    ]);
  });

  test("a bucket that may not be listed", async () => {
    await plantTrail(buildTrail(options));
    rig.s3.denied.add("ListObjectsV2 trail-bucket").add("ListObjectVersions trail-bucket");
    const { report } = await taken();
    expect(report.coverage?.gaps.some(({ what, outcome }) => what.startsWith("s3://trail-bucket/") && outcome === "denied")).toBe(true);
  });

  test("a trail of many Regions and of an organization: every Region that it delivered from, each with its chain", async () => {
    const organization = "o-abcdefghij";
    const own = { ...options, trail: "org", home: "us-east-1", prefix: "all", organization };
    const more = { region: "us-east-1", multiRegion: true, members: [account], prefix: "all" };
    await plantTrail(buildTrail(own), more);
    await plantTrail(buildTrail({ ...own, region: "us-east-1" }), more);
    const found = await taken();
    const summaries = reportOf(found).filter(({ kind }) => kind === "summary");
    expect(summaries).toMatchObject([
      { region: "eu-west-1", verdict: "valid" },
      { region: "us-east-1", verdict: "valid" },
    ]);
    expect(found.report).toMatchObject({ outcome: "collected", coverage: { gaps: [] } });
  });

  test("no trail, a trail that is off, one without validation, one that leaves out what is written: source-disabled each", async () => {
    expect((await taken()).report.coverage?.gaps).toContainEqual(expect.objectContaining({ what: "trail files", outcome: "source-disabled" }));
    await plantTrail(buildTrail(options), {
      logging: false,
      stopped: new Date(noon.getTime() - hour),
      validation: false,
      selectors: { kind: "basic", selectors: [{ ReadWriteType: "ReadOnly", IncludeManagementEvents: true }] },
    });
    const { report } = await taken();
    expect(report.coverage?.gaps.map(({ what, outcome }) => [what, outcome])).toEqual([
      ["events of trail main", "source-disabled"],
      ["events of trail main", "source-disabled"],
      ["digests of trail main", "source-disabled"],
    ]);
  });

  test("a trail that was narrowed by advanced selectors is no whole one, though its chain is valid", async () => {
    const narrowed = [
      { Field: "eventCategory", Equals: ["Management"] },
      { Field: "readOnly", Equals: ["true"] },
    ];
    await plantTrail(buildTrail(options), { selectors: { kind: "advanced", selectors: [{ Name: "all", FieldSelectors: narrowed }] } });
    const { report } = await taken();
    expect(report.coverage?.gaps).toEqual([
      { what: "events of trail main", outcome: "source-disabled", reason: "its selectors take management events by readOnly only" },
    ]);
  });

  test("digests of a time when validation was on are taken and checked, though it was switched off meanwhile", async () => {
    const trail = buildTrail(options);
    damageTrail(trail, "deleted_log");
    await plantTrail(trail, { validation: false });
    const { report } = await taken();
    expect(report.coverage?.gaps.map(({ reason }) => reason.slice(0, 26))).toEqual(["log file validation is off", "missing: its digest names "]);
  });

  test("what is delivered after the first pass is taken by the second, and no digest is asked for twice", async () => {
    const trail = buildTrail({ ...options, from: new Date(noon.getTime() - 3 * hour), hours: 3 });
    const last = trail.objects.get(trail.logs.at(-1) ?? "") ?? expect.fail("no log");
    const newest = trail.objects.get(trail.digests.at(-1) ?? "") ?? expect.fail("no digest");
    for (const { key } of [last, newest]) trail.objects.delete(key);
    await plantTrail(trail);
    const [first, late] = await rig.plan(accessLogsRoom, { window: windowFrom(-2, 0) });
    const before = await rig.take(accessLogsRoom, first ?? expect.fail("no step"));
    expect(before.report.coverage?.gaps.map(({ reason }) => reason).join()).toMatch(/may not have been delivered yet/);
    rig.pass(10 * 60_000);
    await plant(rig.client, "trail-bucket", [last, newest]);
    const after = await rig.take(accessLogsRoom, late ?? expect.fail("no late step"), before.remembered);
    expect([...after.members.keys()].filter((name) => name.startsWith("s3/"))).toEqual([newest, last].map(({ key }) => `s3/trail-bucket/${key}`));
    expect(after.report.detail).toMatch(/digests were validated in the first pass/);
  });
});
