import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { balancerLogObjects, flowLogObjects, serverAccessLogObjects } from "./log-objects.ts";

const place = { account: "123456789012", region: "us-east-1", from: new Date("2026-11-01T22:00:00.000Z"), hours: 3, seed: "7" };
const flow = { ...place, flowLogId: "fl-1234abcd", interfaceId: "eni-0123456789abcdef0" };

/** Layouts as the user guides of VPC, Elastic Load Balancing and S3 write them. */
describe("keys are those that the services use", () => {
  test.for([
    [
      false,
      false,
      "plain-text",
      /^AWSLogs\/123456789012\/vpcflowlogs\/us-east-1\/2026\/11\/0[12]\/123456789012_vpcflowlogs_us-east-1_fl-1234abcd_\d{8}T\d{4}Z_[0-9a-f]{8}\.log\.gz$/,
    ],
    [false, true, "plain-text", /^AWSLogs\/123456789012\/vpcflowlogs\/us-east-1\/2026\/11\/0[12]\/(22|23|00)\/123456789012_vpcflowlogs_.*\.log\.gz$/],
    [
      true,
      true,
      "parquet",
      /^AWSLogs\/aws-account-id=123456789012\/aws-service=vpcflowlogs\/aws-region=us-east-1\/year=2026\/month=11\/day=0[12]\/hour=(22|23|00)\/.*\.log\.parquet$/,
    ],
  ] as const)("flow logs: hive %s, by hour %s, %s", ([hiveCompatible, perHour, format, layout]) => {
    const made = flowLogObjects({ ...flow, hiveCompatible, perHour, format });
    expect(made).toHaveLength(18);
    for (const { key } of made) expect(key).toMatch(layout);
    expect(new Set(made.map(({ key }) => key)).size).toBe(18);
  });

  test("load balancers and server access", () => {
    expect(balancerLogObjects({ ...place, prefix: "web", balancer: "my-lb/1234567890abcdef" })[0]?.key).toMatch(
      /^web\/AWSLogs\/123456789012\/elasticloadbalancing\/us-east-1\/2026\/11\/01\/123456789012_elasticloadbalancing_us-east-1_app\.my-lb\.1234567890abcdef_20261101T2300Z_[\d.]+_[0-9a-f]{8}\.log\.gz$/,
    );
    expect(serverAccessLogObjects({ ...place, prefix: "logs/", bucket: "data" })[0]?.key).toMatch(/^logs\/2026-11-01-22-00-00-[0-9A-F]{16}$/);
  });
});

test("the same seed gives the same bytes, and plain ones can be read", () => {
  const options = { ...flow, hiveCompatible: false, perHour: false, format: "plain-text" } as const;
  const [first] = flowLogObjects(options);
  expect(flowLogObjects(options)[0]).toEqual(first);
  expect(gunzipSync(first?.bytes ?? Buffer.of()).toString("utf8")).toMatch(/^version account-id interface-id .*\n2 123456789012 eni-0123456789abcdef0 /);
});
