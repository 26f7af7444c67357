import { printable } from "../../../src/core/printable.ts";

/**
 * Names inside the archives. Keys and names of groups are other people's: `..`, a leading slash, an empty part or a backslash would let
 * an archive write outside the folder that it is unpacked into, and control characters would steer the terminal of who lists it. Such
 * keys are kept under another top, encoded, so that no two become one, and a member's name is the same in the manifest and in the archive.
 * So are names that no file system holds (255 bytes): what cannot be unpacked is not read by whoever unpacks it.
 */
export function objectMember(bucket: string, key: string, version: string | null = null): string {
  const top = version === null ? "s3" : "s3-versions";
  const end = version === null ? "" : `/${part(version)}`;
  const plain = printable(key) === key && key.split("/").every((name) => name !== "" && name !== "." && name !== ".." && Buffer.byteLength(name) <= longest);
  return plain ? `${top}/${bucket}/${key}${end}` : `${top}-encoded/${bucket}/${part(key)}${end}`;
}

/** Under a top of its own: an object that is named like our file beside another must not take its place. */
export function metadataMember(bucket: string, key: string): string {
  return objectMember(bucket, key).replace(/^s3/, "s3-metadata").concat(".json");
}

/** The answers of one question, numbered from 1: `logs/GROUP/page-000001.json`. */
export function pageMember(folder: readonly string[], page: number, ending: string): string {
  return `${folder.map(part).join("/")}/page-${String(page).padStart(6, "0")}.${ending}`;
}

/** Bytes of a name, an ending of ours left out. */
const longest = 240;
/** Of a name that is too long, as a folder in a folder: short enough to be three times as long, encoded. */
const piece = 80;

/** A folder that goes on ends with a `%` that stands for nothing else, so that none is named as a file. */
function part(name: string): string {
  const encoded = encodeURIComponent(name);
  const dots = /^\.+$/;
  const pieces = encoded.length > (dots.test(encoded) ? piece : longest) ? (encoded.match(new RegExp(`.{1,${piece}}`, "g")) ?? []) : [encoded];
  return pieces.map((one) => one.replace(dots, (all) => all.replaceAll(".", "%2E"))).join("%/");
}
