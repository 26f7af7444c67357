import { systemCode } from "../../../src/core/error.ts";
import { type Refusal, refusals } from "./link.ts";

/**
 * What a failed call means. By its code first: services disagree about statuses. What only a status is left for (HEAD has no body)
 * comes last.
 */
export type Trouble =
  | Refusal // the service understood and said no
  | "dry-run" // it would have been allowed
  | "throttled" // not carried out; come back later
  | "unsent" // it never got there
  | "unknown" // it may have happened or not
  | "lapsed" // credentials ran out
  | "rejected" // credentials, signature or clock are wrong
  | "elsewhere" // S3: signed for another Region than the bucket's
  | "foreign"; // what answers is not AWS

const byCode: Readonly<Record<string, Trouble>> = {
  DryRunOperation: "dry-run",
  RequestLimitExceeded: "throttled",
  SlowDown: "throttled",
  BandwidthLimitExceeded: "throttled",
  TooManyRequestsException: "throttled",
  RequestThrottled: "throttled",
  RequestThrottledException: "throttled",
  ConcurrentLimitExceededException: "throttled", // EBS direct, facts/aws §1.4
  SnapshotCreationPerVolumeRateExceeded: "throttled",
  PriorRequestNotComplete: "throttled",
  Unavailable: "throttled",
  ServiceUnavailable: "throttled",
  ServiceUnavailableException: "throttled",
  InternalError: "unknown",
  InternalFailure: "unknown",
  InternalServerError: "unknown",
  InternalServerException: "unknown",
  InternalServiceError: "unknown",
  InternalServiceFault: "unknown",
  InternalServiceException: "unknown",
  ServiceFailure: "unknown",
  ServiceFailureException: "unknown",
  KMSInternalException: "unknown",
  DependencyTimeoutException: "unknown",
  RequestTimeout: "unknown",
  TimeoutError: "unknown",
  AbortError: "unknown", // only our own limit: the caller's abort is looked at before
  ECONNRESET: "unknown",
  ECONNABORTED: "unknown",
  EPIPE: "unknown",
  ETIMEDOUT: "unknown",
  ERR_STREAM_PREMATURE_CLOSE: "unknown",
  ECONNREFUSED: "unsent",
  ENOTFOUND: "unsent",
  EAI_AGAIN: "unsent",
  EHOSTUNREACH: "unsent",
  ENETUNREACH: "unsent",
  ExpiredToken: "lapsed",
  ExpiredTokenException: "lapsed",
  RequestExpired: "lapsed", // EC2's word for an expired token, and for a clock that is wrong
  TokenRefreshRequired: "lapsed",
  CredentialsProviderError: "lapsed",
  TokenProviderError: "lapsed",
  ProviderError: "lapsed",
  AuthFailure: "rejected",
  InvalidClientTokenId: "rejected",
  InvalidAccessKeyId: "rejected",
  InvalidToken: "rejected",
  UnrecognizedClientException: "rejected",
  SignatureDoesNotMatch: "rejected",
  InvalidSignatureException: "rejected",
  IncompleteSignature: "rejected",
  MissingAuthenticationToken: "rejected",
  AuthorizationHeaderMalformed: "rejected",
  RequestTimeTooSkewed: "rejected",
  OptInRequired: "rejected", // the Region is not enabled for the account
  PermanentRedirect: "elsewhere",
  UnauthorizedOperation: "denied",
  NotImplemented: "invalid", // asking again will not implement it
  OperationAborted: "conflict",
  PreconditionFailed: "conflict",
  IdempotentParameterMismatch: "conflict",
  TrailNotFoundException: "missing",
  InvalidInstanceId: "missing", // SSM: the agent of that instance is not registered
  InvalidInstanceID: "missing",
};

/** Families of codes, in the order in which they are asked. */
const byWord: readonly (readonly [RegExp, Trouble])[] = [
  [/throttl/i, "throttled"],
  [/AccessDenied|NotAuthorized|Unauthorized|Forbidden/, "denied"],
  [/NotFound|NoSuch|DoesNotExist|Nonexistent|\.Unknown$/i, "missing"],
  [/LimitExceeded|QuotaExceeded|MaxLimit|TooMany/i, "limit"],
  [/Exists|Duplicate|Conflict|InUse|IncorrectState|IncorrectInstanceState|InvalidState|InProgress|Concurrent|Dependency/i, "conflict"],
];

const byStatus: Readonly<Record<number, Trouble>> = { 403: "denied", 404: "missing", 408: "unknown", 409: "conflict", 412: "conflict", 429: "throttled" };

export function troubleOf(error: unknown): Trouble {
  const code = codeOf(error);
  // One code for a Region that is wrong and for a header that is no SigV4 at all.
  if (code === "AuthorizationHeaderMalformed" && /region/i.test(textOf(error))) return "elsewhere";
  const known = Object.hasOwn(byCode, code) ? byCode[code] : undefined;
  if (known !== undefined) return known;
  for (const [word, trouble] of byWord) if (word.test(code)) return trouble;
  const status = statusOf(error);
  if (/region is missing/i.test(textOf(error))) return "rejected";
  // An answer that is a success by its status and could not be understood says nothing about what happened.
  if (status === null || (status >= 500 && status !== 501)) return "unknown";
  if (unnamed(code)) return requestIdOf(error) === "" ? "foreign" : (byStatus[status] ?? (status < 400 ? "unknown" : "invalid"));
  return byStatus[status] ?? "invalid";
}

export function isRefusal(trouble: Trouble): trouble is Refusal {
  return (refusals as readonly Trouble[]).includes(trouble);
}

/** The code of the service's error, or of the system's. */
export function codeOf(error: unknown): string {
  const system = systemCode(error);
  if (system !== undefined && Object.hasOwn(byCode, system)) return system;
  // The SDK renames what its model knows: IAM says NoSuchEntity, the SDK NoSuchEntityException.
  const said = fieldOf(error, "Code");
  const code = typeof said === "string" && said !== "" ? said : error instanceof Error ? error.name : String(error);
  return code.replace(/^(Client|Server)\./, "");
}

/** What the SDK calls an error that it found no code for. */
function unnamed(code: string): boolean {
  return code === "Error" || code === "TypeError" || code === "SyntaxError" || /^Unknown(Error)?$/.test(code) || /^\d{3}$/.test(code);
}

export function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

export function requestIdOf(error: unknown): string {
  const id = fieldOf(fieldOf(error, "$metadata"), "requestId");
  return typeof id === "string" ? id : "";
}

/** EBS direct says why it refused: `ACCOUNT_THROTTLED`, `INVALID_BLOCK_TOKEN` (facts/aws §1.4). */
export function reasonOf(error: unknown): string | null {
  const reason = fieldOf(error, "Reason");
  return typeof reason === "string" ? reason : null;
}

function statusOf(error: unknown): number | null {
  const status = fieldOf(fieldOf(error, "$metadata"), "httpStatusCode");
  return typeof status === "number" ? status : null;
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}
