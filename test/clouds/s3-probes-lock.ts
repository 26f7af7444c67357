import {
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetBucketVersioningCommand,
  GetObjectCommand,
  GetObjectLegalHoldCommand,
  GetObjectLockConfigurationCommand,
  GetObjectRetentionCommand,
  PutBucketVersioningCommand,
  PutObjectLegalHoldCommand,
} from "@aws-sdk/client-s3";
import { type Probe, compliance, fresh, governance, inDays, inSeconds, lockSeen, put, retain, until, verdict } from "./s3-probe.ts";

export const lockProbes: readonly Probe[] = [
  {
    name: "versioning and lock configuration are readable",
    aws: "Enabled Enabled",
    ask: async ({ s3, Bucket }) => {
      const versioning = await s3.send(new GetBucketVersioningCommand({ Bucket }));
      const lock = await s3.send(new GetObjectLockConfigurationCommand({ Bucket }));
      return `${versioning.Status} ${lock.ObjectLockConfiguration?.ObjectLockEnabled}`;
    },
  },
  {
    name: "versioning cannot be suspended",
    aws: "409 InvalidBucketState",
    minio: "400 InvalidBucketState",
    versitygw: "400 InvalidBucketState",
    ask: ({ s3, Bucket }) => verdict(s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: "Suspended" } }))),
  },
  {
    name: "HEAD of a locked version shows mode, date and hold",
    aws: "COMPLIANCE true ON",
    ask: async (store) => lockSeen(store, await put(store, fresh(), { ...compliance, ObjectLockLegalHoldStatus: "ON" })),
  },
  {
    name: "… also when it is no longer current",
    aws: "COMPLIANCE true ON",
    versitygw: " false ",
    ask: async (store) => {
      const at = await put(store, fresh(), { ...compliance, ObjectLockLegalHoldStatus: "ON" });
      await put(store, at.Key);
      return lockSeen(store, at);
    },
  },
  {
    name: "GET shows the lock",
    aws: "COMPLIANCE",
    versitygw: "undefined",
    ask: async (store) => String((await store.s3.send(new GetObjectCommand(await put(store, fresh(), compliance)))).ObjectLockMode),
  },
  {
    name: "retention and hold are readable by version, noncurrent too",
    aws: "COMPLIANCE true ON",
    ask: async (store) => {
      const at = await put(store, fresh(), { ...compliance, ObjectLockLegalHoldStatus: "ON" });
      await put(store, at.Key);
      const { Retention } = await store.s3.send(new GetObjectRetentionCommand(at));
      const { LegalHold } = await store.s3.send(new GetObjectLegalHoldCommand(at));
      return [Retention?.Mode, Retention?.RetainUntilDate?.getTime() === until.getTime(), LegalHold?.Status].join(" ");
    },
  },
  {
    name: "retention of an unlocked object",
    aws: "404 NoSuchObjectLockConfiguration",
    minio: "400 NoSuchObjectLockConfiguration",
    versitygw: "400 NoSuchObjectLockConfiguration",
    ask: async (store) => verdict(store.s3.send(new GetObjectRetentionCommand(await put(store, fresh())))),
  },
  {
    name: "DELETE of a COMPLIANCE version",
    aws: "403 AccessDenied",
    minio: "400 InvalidRequest",
    ask: async (store) => verdict(store.s3.send(new DeleteObjectCommand(await put(store, fresh(), compliance)))),
  },
  {
    name: "… with the bypass header",
    aws: "403 AccessDenied",
    minio: "400 InvalidRequest",
    ask: async (store) => verdict(store.s3.send(new DeleteObjectCommand({ ...(await put(store, fresh(), compliance)), BypassGovernanceRetention: true }))),
  },
  {
    name: "DeleteObjects answers for each key",
    aws: "accepted, 1 refused",
    versitygw: "403 AccessDenied",
    ask: async (store) => {
      const { Bucket, Key, VersionId } = await put(store, fresh(), compliance);
      try {
        const { Errors } = await store.s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key, VersionId }] } }));
        return `accepted, ${Errors?.length ?? 0} refused`;
      } catch (error) {
        return verdict(Promise.reject(error));
      }
    },
  },
  {
    name: "DELETE without version leaves a marker and the data",
    aws: "true one",
    ask: async (store) => {
      const at = await put(store, fresh(), compliance);
      const { DeleteMarker } = await store.s3.send(new DeleteObjectCommand({ Bucket: at.Bucket, Key: at.Key }));
      return `${DeleteMarker} ${await (await store.s3.send(new GetObjectCommand(at))).Body?.transformToString()}`;
    },
  },
  { name: "COMPLIANCE is extended", aws: "accepted", ask: async (store) => retain(store, await put(store, fresh(), compliance), "COMPLIANCE", inDays(4)) },
  {
    name: "COMPLIANCE is shortened",
    aws: "403 AccessDenied",
    minio: "400 InvalidRequest",
    versitygw: "accepted",
    ask: async (store) => retain(store, await put(store, fresh(), compliance), "COMPLIANCE", inDays(1)),
  },
  {
    name: "COMPLIANCE becomes GOVERNANCE",
    aws: "403 AccessDenied",
    minio: "400 InvalidRequest",
    ask: async (store) => retain(store, await put(store, fresh(), compliance), "GOVERNANCE", inDays(4), true),
  },
  {
    name: "GOVERNANCE deleted without the header",
    aws: "403 AccessDenied",
    minio: "400 InvalidRequest",
    ask: async (store) => verdict(store.s3.send(new DeleteObjectCommand(await put(store, fresh(), governance)))),
  },
  {
    name: "GOVERNANCE deleted by the owner with the header",
    aws: "accepted",
    versitygw: "403 AccessDenied",
    ask: async (store) => verdict(store.s3.send(new DeleteObjectCommand({ ...(await put(store, fresh(), governance)), BypassGovernanceRetention: true }))),
  },
  {
    name: "GOVERNANCE shortened without the header",
    aws: "403 AccessDenied",
    minio: "400 InvalidRequest",
    versitygw: "accepted",
    ask: async (store) => retain(store, await put(store, fresh(), governance), "GOVERNANCE", inDays(1)),
  },
  {
    name: "a held version deleted",
    aws: "403 AccessDenied",
    minio: "400 InvalidRequest",
    ask: async (store) => verdict(store.s3.send(new DeleteObjectCommand(await put(store, fresh(), { ObjectLockLegalHoldStatus: "ON" })))),
  },
  {
    name: "a hold after its retention has expired, deleted",
    aws: "403 AccessDenied",
    minio: "400 InvalidRequest",
    versitygw: "accepted",
    ask: async (store) => {
      const at = await put(store, fresh(), { ...compliance, ObjectLockRetainUntilDate: inSeconds(store, 2), ObjectLockLegalHoldStatus: "ON" });
      await store.pass(4000);
      return verdict(store.s3.send(new DeleteObjectCommand(at)));
    },
  },
  {
    name: "an expired retention lets go",
    aws: "accepted",
    ask: async (store) => {
      const at = await put(store, fresh(), { ...compliance, ObjectLockRetainUntilDate: inSeconds(store, 2) });
      await store.pass(4000);
      return verdict(store.s3.send(new DeleteObjectCommand(at)));
    },
  },
  {
    name: "a hold is set and cleared by version",
    aws: "OFF",
    ask: async (store) => {
      const at = await put(store, fresh());
      for (const Status of ["ON", "OFF"] as const) await store.s3.send(new PutObjectLegalHoldCommand({ ...at, LegalHold: { Status } }));
      return String((await store.s3.send(new GetObjectLegalHoldCommand(at))).LegalHold?.Status);
    },
  },
];
