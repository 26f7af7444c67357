/** Log objects that other services leave in buckets: VPC flow logs, S3 server access logs, load-balancer logs. Same seed, same bytes. */
import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import type { Planted } from "./planted.ts";

export type LogPlace = {
  readonly account: string;
  readonly region: string;
  /** Without a slash at its end; none if absent. */
  readonly prefix?: string;
  readonly from: Date;
  readonly hours: number;
  readonly seed: string;
};

export type FlowOptions = LogPlace & {
  readonly flowLogId: string;
  readonly interfaceId: string;
  readonly format: "plain-text" | "parquet";
  readonly hiveCompatible: boolean;
  readonly perHour: boolean;
};

const hour = 3_600_000;

/** One object for each ten minutes, as the service writes them (a day's folder, and an hour's where asked). */
export function flowLogObjects(options: FlowOptions): readonly Planted[] {
  const made: Planted[] = [];
  for (let time = options.from.getTime(); time < options.from.getTime() + options.hours * hour; time += hour / 6) {
    const end = new Date(time + hour / 6);
    const name = hashOf(`${options.seed} ${options.flowLogId} ${time}`).slice(0, 8);
    const stamp = end.toISOString().slice(0, 16).replaceAll(/[-:]/g, "");
    const kind = options.format === "parquet" ? "log.parquet" : "log.gz";
    const key = `${flowFolder(options, new Date(time))}/${options.account}_vpcflowlogs_${options.region}_${options.flowLogId}_${stamp}Z_${name}.${kind}`;
    made.push({ key, bytes: options.format === "parquet" ? parquetLike(name) : gzipSync(flowText(options, time)), metadata: {} });
  }
  return made;
}

function flowFolder(options: FlowOptions, time: Date): string {
  const [year, month, day, hourOf] = time.toISOString().split(/[-T:]/);
  const start = `${options.prefix === undefined ? "" : `${options.prefix}/`}AWSLogs`;
  if (options.hiveCompatible) {
    const parts = [
      `aws-account-id=${options.account}`,
      "aws-service=vpcflowlogs",
      `aws-region=${options.region}`,
      `year=${year}`,
      `month=${month}`,
      `day=${day}`,
    ];
    return [start, ...parts, ...(options.perHour ? [`hour=${hourOf}`] : [])].join("/");
  }
  return [start, options.account, "vpcflowlogs", options.region, year, month, day, ...(options.perHour ? [hourOf] : [])].join("/");
}

function flowText({ account, interfaceId, seed }: FlowOptions, time: number): string {
  const head = "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status";
  const rows = Array.from({ length: 20 }, (_, i) => {
    const start = Math.floor(time / 1000) + i * 30;
    const port = 1024 + (hashOf(`${seed} ${time} ${i}`).charCodeAt(0) % 1000);
    return `2 ${account} ${interfaceId} 10.0.0.10 198.51.100.7 ${port} 443 6 10 ${5000 + i} ${start} ${start + 30} ACCEPT OK`;
  });
  return [head, ...rows, ""].join("\n");
}

/** Bytes between Parquet's marks that no reader opens: what is collected byte for byte need not be read. */
function parquetLike(seed: string): Buffer {
  const parts = Array.from({ length: 64 }, (_, i) => createHash("sha256").update(`${seed} ${i}`).digest());
  return Buffer.concat([Buffer.from("PAR1"), ...parts, Buffer.from("PAR1")]);
}

export function serverAccessLogObjects(place: LogPlace & { readonly bucket: string }): readonly Planted[] {
  return everyHour(place).map((time) => {
    const id = hashOf(`${place.seed} ${time.getTime()}`).slice(0, 16).toUpperCase();
    const line = `79a59df900b949e5 ${place.bucket} [${time.toUTCString().slice(5, 25)} +0000] 198.51.100.7 arn:aws:iam::${place.account}:user/mallory ${id} REST.GET.OBJECT secrets.csv "GET /secrets.csv HTTP/1.1" 200 - 1024 1024 10 9 "-" "curl" - - SigV4 - AuthHeader - TLSv1.3 - -\n`;
    return { key: `${place.prefix ?? ""}${time.toISOString().slice(0, 19).replaceAll(/[T:]/g, "-")}-${id}`, bytes: Buffer.from(line), metadata: {} };
  });
}

export function balancerLogObjects(place: LogPlace & { readonly balancer: string }): readonly Planted[] {
  return everyHour(place).map((time) => {
    const end = new Date(time.getTime() + hour);
    const [year, month, day] = time.toISOString().split(/[-T:]/);
    const line = `https ${time.toISOString()} app/${place.balancer} 198.51.100.7:40000 10.0.0.10:443 0.001 0.002 0.000 200 200 120 900 "GET https://example.com:443/admin HTTP/1.1" "curl" - -\n`;
    const start = place.prefix === undefined ? "" : `${place.prefix}/`;
    const stamp = `${end.toISOString().slice(0, 16).replaceAll(/[-:]/g, "")}Z`;
    const key = `${start}AWSLogs/${place.account}/elasticloadbalancing/${place.region}/${year}/${month}/${day}/${place.account}_elasticloadbalancing_${place.region}_app.${place.balancer.replaceAll("/", ".")}_${stamp}_10.0.0.20_${hashOf(place.seed + stamp).slice(0, 8)}.log.gz`;
    return { key, bytes: gzipSync(line), metadata: {} };
  });
}

function everyHour({ from, hours }: LogPlace): readonly Date[] {
  return Array.from({ length: hours }, (_, i) => new Date(from.getTime() + i * hour));
}

function hashOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
