/** An answer of S3 that is not success: AWS's status, code and sentence. `extra` are further elements of the error body. */
export class S3Error extends Error {
  readonly status: number;
  readonly code: string;
  readonly extra: readonly (readonly [string, string])[];
  readonly headers: Readonly<Record<string, string>>;
  constructor(
    status: number,
    code: string,
    message: string,
    extra: readonly (readonly [string, string])[] = [],
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
    this.name = "S3Error";
    this.status = status;
    this.code = code;
    this.extra = extra;
    this.headers = headers;
  }
}

/** A request that S3 would take or that nobody thought of: the fake has no opinion on it. Recorded, and red in the tests. */
export class Violation extends Error {
  override readonly name: string = "Violation";
}

export const noSuchKey = (key: string): S3Error => new S3Error(404, "NoSuchKey", "The specified key does not exist.", [["Key", key]]);
export const noSuchVersion = (key: string, version: string): S3Error =>
  new S3Error(404, "NoSuchVersion", "The specified version does not exist.", [
    ["Key", key],
    ["VersionId", version],
  ]);
export const noSuchUpload = (id: string): S3Error =>
  new S3Error(404, "NoSuchUpload", "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.", [
    ["UploadId", id],
  ]);
export const invalidArgument = (message: string, name: string, value: string): S3Error =>
  new S3Error(400, "InvalidArgument", message, [
    ["ArgumentName", name],
    ["ArgumentValue", value],
  ]);
export const invalidRequest = (message: string): S3Error => new S3Error(400, "InvalidRequest", message);
export const accessDenied = (message = "Access Denied", extra: readonly (readonly [string, string])[] = []): S3Error =>
  new S3Error(403, "AccessDenied", message, extra);
export const malformedXml = (): S3Error =>
  new S3Error(400, "MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema");
