import type { CallKind, LoggedCall } from "../core/reconcile-report.ts";

const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/**
 * The leading fields of an S3 server access log record (Amazon S3 User Guide, "Amazon S3 server access log format"): bucket owner,
 * bucket, [time], remote IP, requester, request ID, operation, key, "Request-URI", HTTP status, error code. What a caller can choose
 * freely (referer, user agent) comes after them and is not looked at.
 */
const record =
  /^\S+ (\S+) \[(\d\d)\/([A-Z][a-z]{2})\/(\d{4}):(\d\d:\d\d:\d\d) ([+-])(\d\d)(\d\d)\] (\S+) (\S+) (\S+) ([A-Z0-9_.]+) (\S+) (?:"[^"]*"|-) (\d{3}|-) (\S+)(?: |$)/;

/** Null for what is no such record. */
export function parseAccessLogLine(line: string, log: string): LoggedCall | null {
  const [, bucket, day, month, year, clock, sign, hours, minutes, address, requester, requestId, operation, key, status, error] = record.exec(line) ?? [];
  if (bucket === undefined || operation === undefined || key === undefined || status === undefined) return null;
  const number = months.indexOf(month ?? "") + 1;
  const offset = (Number(hours) * 60 + Number(minutes)) * 60_000 * (sign === "-" ? -1 : 1);
  const time = Date.parse(`${year}-${String(number).padStart(2, "0")}-${day}T${clock}Z`) - offset;
  if (number === 0 || Number.isNaN(time)) return null;
  const code = Number(status);
  return {
    log,
    time,
    bucket,
    keys: key === "-" ? [] : keyForms(key),
    operation,
    kind: kindOf(operation),
    requestId: requestId ?? "-",
    requester: requester ?? "-",
    address: address ?? "-",
    refused: code >= 400 ? `${status} ${error ?? ""}`.trim() : null,
  };
}

/** The log encodes keys, some characters twice: whichever form names an exhibit is the one. */
function keyForms(key: string): readonly string[] {
  const forms = new Set([key]);
  for (let form = key, round = 0; round < 2; round += 1) {
    try {
      form = decodeURIComponent(form.replaceAll("+", " "));
    } catch {
      break; // a key that has a percent sign of its own
    }
    forms.add(form);
  }
  return [...forms];
}

/** By the words in the name, so that an operation that comes later is not overlooked: what is neither read nor delete is a write. */
function kindOf(operation: string): CallKind {
  if (/DELETE|EXPIRE/.test(operation)) return "delete";
  const reads = /\.(GET|HEAD)\.|_GET$/.test(operation);
  if (/RETENTION|HOLD/.test(operation)) return reads ? "look" : "lock";
  if (/\.HEAD\.|ACL|TAGGING|ATTRIBUTES|\.GET\.(?!OBJECT$)/.test(operation) && reads) return "look";
  return reads || /SELECT|TORRENT/.test(operation) ? "read" : "write";
}
