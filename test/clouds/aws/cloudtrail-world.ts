import { createHash } from "node:crypto";

export type TrailEvent = {
  readonly id: string;
  readonly account: string;
  readonly region: string;
  readonly name: string;
  /** `ec2.amazonaws.com` */
  readonly source: string;
  readonly time: Date;
  /** From when a lookup shows it: events come up to 15 minutes late. Its own time unless said. */
  readonly visibleFrom?: Date;
  readonly user: string;
  readonly accessKeyId: string | null;
  readonly readOnly: boolean;
  readonly resources: readonly { readonly type: string; readonly name: string }[];
  /** The event itself, as trail files hold it. */
  readonly record: unknown;
};

type EventSelectors =
  | { readonly kind: "basic"; readonly selectors: readonly unknown[] }
  | { readonly kind: "advanced"; readonly selectors: readonly unknown[] };

export type Trail = {
  readonly name: string;
  readonly arn: string;
  /** Owner, and home Region. */
  readonly account: string;
  readonly region: string;
  readonly multiRegion: boolean;
  /** Accounts that see it as an organization's trail; none for a plain one. */
  readonly members: readonly string[];
  readonly bucket: string;
  readonly prefix?: string;
  readonly validation: boolean;
  readonly logGroupArn?: string;
  readonly kmsKeyId?: string;
  readonly selectors: EventSelectors;
  readonly logging: boolean;
  readonly started?: Date;
  readonly stopped?: Date;
  readonly delivered?: Date;
  readonly digested?: Date;
  readonly deliveryError?: string;
  readonly tags?: Readonly<Record<string, string>>;
};

export type TrailKey = {
  readonly region: string;
  readonly fingerprint: string;
  /** PKCS#1. */
  readonly der: Buffer;
  readonly validFrom: Date;
  readonly validUntil: Date;
};

export type CloudTrailWorld = {
  readonly events: TrailEvent[];
  readonly trails: Trail[];
  readonly publicKeys: TrailKey[];
  /** AWS's 2; more where a test has no time. */
  lookupsPerSecond: number;
  /** So many empty pages with a token before every page that holds something. */
  emptyPages: number;
  keysAPage: number;
};

export function cloudTrailWorld(): CloudTrailWorld {
  return { events: [], trails: [], publicKeys: [], lookupsPerSecond: 2, emptyPages: 0, keysAPage: 100 };
}

export type NewEvent = Pick<TrailEvent, "account" | "region" | "name" | "source" | "time"> & {
  readonly user?: string;
  readonly visibleFrom?: Date;
  readonly accessKeyId?: string;
  readonly readOnly?: boolean;
  readonly resources?: TrailEvent["resources"];
  readonly request?: unknown;
  readonly address?: string;
  /** Of a call that was refused. */
  readonly errorCode?: string;
};

/** An event with its record, id and all, from what matters of it; the same input gives the same event. */
export function trailEvent(given: NewEvent): TrailEvent {
  const { account, region, name, source, time } = given;
  const hash = createHash("sha256").update(JSON.stringify(given)).digest("hex");
  const id = `${hash.slice(0, 8)}-${hash.slice(8, 12)}-4${hash.slice(13, 16)}-8${hash.slice(17, 20)}-${hash.slice(20, 32)}`;
  const user = given.user ?? "mallory";
  const accessKeyId = given.accessKeyId ?? null;
  const readOnly = given.readOnly ?? /^(Describe|Get|List|Lookup|Head)/.test(name);
  const resources = given.resources ?? [];
  const record = {
    eventVersion: "1.11",
    userIdentity: { type: "IAMUser", arn: `arn:aws:iam::${account}:user/${user}`, accountId: account, accessKeyId, userName: user },
    eventTime: `${time.toISOString().slice(0, 19)}Z`,
    eventSource: source,
    eventName: name,
    awsRegion: region,
    sourceIPAddress: given.address ?? "198.51.100.7",
    requestParameters: given.request ?? null,
    responseElements: null,
    ...(given.errorCode === undefined ? {} : { errorCode: given.errorCode }),
    requestID: hash.slice(32, 64),
    eventID: id,
    readOnly,
    eventType: "AwsApiCall",
    managementEvent: true,
    recipientAccountId: account,
    eventCategory: "Management",
  };
  return {
    id,
    account,
    region,
    name,
    source,
    time,
    user,
    accessKeyId,
    readOnly,
    resources,
    record,
    ...(given.visibleFrom === undefined ? {} : { visibleFrom: given.visibleFrom }),
  };
}

/** One event of each way to make logs stop, a minute apart: what an anti-forensics check has to find. */
export function antiForensics(account: string, region: string, from: Date, names: { readonly trail: string; readonly bucket: string }): readonly TrailEvent[] {
  const trail = { name: names.trail };
  const bucket = { bucketName: names.bucket };
  const calls: readonly (readonly [source: string, name: string, request: unknown])[] = [
    ["cloudtrail.amazonaws.com", "StopLogging", trail],
    ["cloudtrail.amazonaws.com", "PutEventSelectors", { trailName: names.trail, eventSelectors: [] }],
    ["cloudtrail.amazonaws.com", "UpdateTrail", { ...trail, enableLogFileValidation: false }],
    ["cloudtrail.amazonaws.com", "DeleteTrail", trail],
    ["ec2.amazonaws.com", "DeleteFlowLogs", { DeleteFlowLogsRequest: { FlowLogId: { tag: 1, content: "fl-0123456789abcdef0" } } }],
    ["s3.amazonaws.com", "PutBucketPolicy", bucket],
    ["s3.amazonaws.com", "DeleteBucketPolicy", bucket],
    ["s3.amazonaws.com", "PutBucketLifecycle", bucket],
    ["logs.amazonaws.com", "DeleteLogGroup", { logGroupName: "flow" }],
    ["logs.amazonaws.com", "PutRetentionPolicy", { logGroupName: "flow", retentionInDays: 1 }],
  ];
  return calls.map(([source, name, request], i) => trailEvent({ account, region, source, name, request, time: new Date(from.getTime() + i * 60_000) }));
}
