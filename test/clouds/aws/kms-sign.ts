/** Signing keys of KMS: what they are, their public half, and Sign as the API reference has it, with real signatures. */
import { createPublicKey, generateKeyPairSync, type KeyObject, sign as signNow } from "node:crypto";
import type { KmsKey } from "./kms.ts";
import { requiredText, textOf } from "./params.ts";
import { AwsRefusal, type Call, type Reply } from "./service.ts";

export type KmsPair = { readonly spec: "ECC_NIST_EDWARDS25519" | "ML_DSA_44"; readonly privateKey: KeyObject };

const algorithms = { ECC_NIST_EDWARDS25519: ["ED25519_SHA_512", "ED25519_PH_SHA_512"], ML_DSA_44: ["ML_DSA_SHAKE_256"] } as const;
const MAX_RAW_BYTES = 4096;

export function kmsPair(spec: KmsPair["spec"]): KmsPair {
  return { spec, privateKey: (spec === "ML_DSA_44" ? generateKeyPairSync("ml-dsa-44") : generateKeyPairSync("ed25519")).privateKey };
}

/** What DescribeKey and GetPublicKey say of it. The old CustomerMasterKeySpec knows neither spec (vendor model), and is left out. */
export function shownPair({ spec }: KmsPair): Readonly<Record<string, unknown>> {
  return { KeyUsage: "SIGN_VERIFY", KeySpec: spec, SigningAlgorithms: [...algorithms[spec]] };
}

export function getPublicKey(key: KmsKey, arn: string): Reply {
  const pair = pairOf(key, arn);
  const der = createPublicKey(pair.privateKey).export({ format: "der", type: "spki" });
  return { json: { KeyId: arn, PublicKey: der.toString("base64"), ...shownPair(pair) } };
}

export function sign(key: KmsKey, arn: string, call: Call): Reply {
  const pair = pairOf(key, arn);
  const algorithm = requiredText(call.params, "SigningAlgorithm");
  const kind = textOf(call.params, "MessageType") ?? "RAW";
  const message = Buffer.from(requiredText(call.params, "Message"), "base64");
  if (!algorithms[pair.spec].some((known) => known === algorithm))
    throw new AwsRefusal("InvalidKeyUsageException", `Algorithm ${algorithm} is incompatible with key spec ${pair.spec}.`);
  if (kind !== "RAW" || algorithm === "ED25519_PH_SHA_512")
    throw new AwsRefusal("ValidationException", `this stand-in signs RAW messages with ${algorithms[pair.spec][0]} only`);
  if (message.length < 1 || message.length > MAX_RAW_BYTES)
    throw new AwsRefusal(
      "ValidationException",
      `Value at 'message' failed to satisfy constraint: Member must have length less than or equal to ${MAX_RAW_BYTES}`,
    );
  return { json: { KeyId: arn, Signature: signNow(null, message, pair.privateKey).toString("base64"), SigningAlgorithm: algorithm } };
}

function pairOf(key: KmsKey, arn: string): KmsPair {
  if (key.pair === undefined) throw new AwsRefusal("InvalidKeyUsageException", `${arn} key usage is ENCRYPT_DECRYPT which is not valid for this operation.`);
  return key.pair;
}
