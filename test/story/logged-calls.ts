import type { S3FakeRequest } from "../clouds/s3-fake.ts";

/** A request as the store saw it, in the forms of its logs (Amazon S3 User Guide; AWS CloudTrail User Guide). */
export type Logged = S3FakeRequest & { readonly time: Date; readonly requester: string };

/** Names in server access logs (Amazon S3 User Guide). */
const names: Readonly<Record<string, string>> = {
  GetObject: "REST.GET.OBJECT",
  HeadObject: "REST.HEAD.OBJECT",
  PutObject: "REST.PUT.OBJECT",
  DeleteObject: "REST.DELETE.OBJECT",
  CreateMultipartUpload: "REST.POST.UPLOADS",
  UploadPart: "REST.PUT.PART",
  CompleteMultipartUpload: "REST.POST.UPLOAD",
};

const stamp = (time: Date): string => {
  const [, , month, day] = [...time.toUTCString().split(" ").slice(0, 1), "", time.toUTCString().slice(8, 11), time.toUTCString().slice(5, 7)];
  return `${day}/${month}/${time.getUTCFullYear()}:${time.toISOString().slice(11, 19)} +0000`;
};

export const accessLine = (r: Logged): string =>
  `79a59df9 ${r.bucket} [${stamp(r.time)}] 192.0.2.3 ${r.requester} ${r.requestId} ${names[r.operation] ?? `REST.GET.${r.operation.toUpperCase()}`} ${r.key === "" ? "-" : encodeURIComponent(r.key).replaceAll("%2F", "/")} "GET /${r.bucket}/${r.key}${r.query} HTTP/1.1" ${r.status} ${r.code ?? "-"} - - 1 1 "-" "agent" - host= SigV4 - AuthHeader h TLSv1.2 - -`;

export const trailRecord = (r: Logged): object => ({
  eventSource: "s3.amazonaws.com",
  eventName: r.operation,
  eventTime: `${r.time.toISOString().slice(0, 19)}Z`,
  requestID: r.requestId,
  sourceIPAddress: "192.0.2.3",
  userIdentity: { arn: r.requester },
  ...(r.code === null ? {} : { errorCode: r.code }),
  requestParameters: { bucketName: r.bucket, ...(r.key === "" ? {} : { key: r.key }) },
});
