/** What a call touches, and where its request names it. */
export type TamperedKind = "trail" | "bucket" | "group" | "flow-log" | "key" | "store";

/** A way to make logs stop or vanish, by CloudTrail's name for the call. */
export type TamperingSign = {
  readonly event: string;
  readonly kind: TamperedKind;
  /** Fields of requestParameters that may name it; the first that is there counts. */
  readonly names: readonly string[];
  /** It stops the log itself; else what is kept of it may have changed or gone. */
  readonly stops: boolean;
  /** The call that switches it on again. */
  readonly undoneBy: string | null;
};

const trail = (event: string, stops: boolean, undoneBy: string | null = null): TamperingSign => ({
  event,
  kind: "trail",
  names: ["name", "trailName"],
  stops,
  undoneBy,
});
const bucket = (event: string): TamperingSign => ({ event, kind: "bucket", names: ["bucketName"], stops: false, undoneBy: null });
const group = (event: string, undoneBy: string | null = null): TamperingSign => ({
  event,
  kind: "group",
  names: ["logGroupName", "logGroupIdentifier", "resourceIdentifier"],
  stops: false,
  undoneBy,
});
const key = (event: string, undoneBy: string | null): TamperingSign => ({ event, kind: "key", names: ["keyId"], stops: false, undoneBy });

/** By the names that CloudTrail gives (S3 User Guide, "Amazon S3 CloudTrail events": lifecycle and lock have others there than in the API). */
export const tamperingSigns: readonly TamperingSign[] = [
  trail("StopLogging", true, "StartLogging"),
  trail("DeleteTrail", true, "CreateTrail"),
  trail("UpdateTrail", false),
  trail("PutEventSelectors", false),
  trail("PutInsightSelectors", false),
  { event: "StopEventDataStoreIngestion", kind: "store", names: ["eventDataStore"], stops: true, undoneBy: "StartEventDataStoreIngestion" },
  { event: "DeleteEventDataStore", kind: "store", names: ["eventDataStore"], stops: true, undoneBy: "RestoreEventDataStore" },
  { event: "DeleteFlowLogs", kind: "flow-log", names: ["DeleteFlowLogsRequest", "flowLogIds"], stops: true, undoneBy: "CreateFlowLogs" },
  bucket("PutBucketPolicy"),
  bucket("DeleteBucketPolicy"),
  bucket("PutBucketLifecycle"),
  bucket("PutBucketLifecycleConfiguration"),
  bucket("DeleteBucketLifecycle"),
  bucket("PutBucketVersioning"),
  bucket("PutBucketLogging"),
  bucket("PutBucketObjectLockConfiguration"),
  bucket("PutBucketEncryption"), // under a key of theirs: what is delivered from then on can be read as long as they like
  bucket("DeleteBucket"),
  group("DeleteLogGroup", "CreateLogGroup"),
  group("DeleteLogStream"),
  group("PutRetentionPolicy"),
  group("AssociateKmsKey"),
  group("DisassociateKmsKey"),
  key("DisableKey", "EnableKey"),
  key("ScheduleKeyDeletion", "CancelKeyDeletion"),
  key("PutKeyPolicy", null),
];

/** Those that concern flow logs alone. */
export const flowLogSigns: readonly TamperingSign[] = tamperingSigns.filter(({ kind }) => kind === "flow-log");
