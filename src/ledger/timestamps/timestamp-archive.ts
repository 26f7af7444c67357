import { hash, X509Certificate } from "node:crypto";
import { HoldfastError } from "../../core/error.ts";
import { toJcs } from "../format/jcs.ts";
import { decodeBase64, decodeUtf8 } from "../format/note.ts";
import { fields, list, oneOf, text } from "../format/shape.ts";

/**
 * All that is needed to check a timestamp when the authority is gone (FORMAT.md §14): the note that was stamped, the response, the
 * certificates from the authority's own to the root, revocation lists and, where one was not had, why.
 */
export type TimestampArchive = {
  readonly note: Buffer;
  readonly response: Buffer;
  readonly chain: readonly X509Certificate[];
  readonly crls: readonly Buffer[];
  readonly revocation: string;
};

const VERSION = "holdfast.rfc3161/v1";
const members = ["certificates", "crls", "note", "response", "revocation", "sha256", "v"] as const;

export function formatArchive(archive: TimestampArchive): Buffer {
  const document = {
    certificates: archive.chain.map((certificate) => certificate.raw.toString("base64")),
    crls: archive.crls.map((crl) => crl.toString("base64")),
    note: decodeUtf8(archive.note),
    response: archive.response.toString("base64"),
    revocation: archive.revocation,
    v: VERSION,
  };
  return Buffer.from(toJcs({ ...document, sha256: digestOf(document) }, "a timestamp's archive"));
}

/** Throws `unverifiable`: also for a byte that no signature covers, such as one of a list or of an intermediate certificate. */
export function parseArchive(bytes: Uint8Array): TimestampArchive {
  let value: unknown;
  try {
    value = JSON.parse(decodeUtf8(bytes));
  } catch (error) {
    throw altered("it is not JSON", error);
  }
  const { sha256, ...document } = fields(value, members, "archive");
  oneOf(document["v"], [VERSION], "archive.v");
  if (text(sha256, "archive.sha256") !== digestOf(document) || toJcs(value, "a timestamp's archive") !== decodeUtf8(bytes))
    throw altered("its bytes are not those that were archived");
  return {
    note: Buffer.from(text(document["note"], "archive.note")),
    response: base64(document["response"], "archive.response"),
    chain: list(document["certificates"], "archive.certificates", (item, where) => certificate(base64(item, where))),
    crls: list(document["crls"], "archive.crls", base64),
    revocation: text(document["revocation"], "archive.revocation"),
  };
}

/** Against chance and careless hands only: whoever can write the file can compute it. */
function digestOf(document: object): string {
  return hash("sha256", toJcs(document, "a timestamp's archive"), "hex");
}

function base64(value: unknown, where: string): Buffer {
  const bytes = decodeBase64(text(value, where));
  if (bytes === null) throw altered(`${where} is not canonical base64`);
  return bytes;
}

function certificate(der: Buffer): X509Certificate {
  try {
    return new X509Certificate(der);
  } catch (error) {
    throw altered("a certificate in it cannot be read", error);
  }
}

function altered(why: string, cause?: unknown): HoldfastError {
  return new HoldfastError("unverifiable", `the archived timestamp does not count: ${why}`, cause);
}
