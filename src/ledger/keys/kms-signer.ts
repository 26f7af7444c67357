import { verify } from "node:crypto";
import type { KMSClient } from "@aws-sdk/client-kms";
import { describeError, HoldfastError } from "../../core/error.ts";
import { type KeyType, type Vkey, vkeyOfSpki } from "./log-key.ts";
import { parseKmsArn, type Signer } from "./signer.ts";

// RAW: KMS hashes as the algorithm itself says, and an ordinary verifier agrees (API reference, Sign, MessageType).
const algorithms = { ed25519: "ED25519_SHA_512", "ml-dsa-44": "ML_DSA_SHAKE_256" } as const satisfies Record<KeyType, string>;
/** Sign takes no longer message in RAW. Ours have some hundred bytes; those of a succession a few thousand. */
const MAX_MESSAGE_BYTES = 4_096;
const ATTEMPTS = 5;

/**
 * Signs with a key that stays in AWS KMS. The SDK is loaded with the first signature; credentials and endpoint are those of its default
 * chain. Every signature is verified before it is used: a head that nobody can verify would end the log.
 */
export function kmsSigner(vkey: Vkey, keyArn: string): Signer {
  const { arn, region } = parseKmsArn(keyArn);
  let client: Promise<KMSClient> | null = null;
  return {
    vkey,
    async sign(message) {
      if (message.length > MAX_MESSAGE_BYTES)
        throw new HoldfastError("unexpected", `KMS signs at most ${MAX_MESSAGE_BYTES} bytes, and ${message.length} were to be signed`);
      const signature = await asked(arn, "sign", async () => {
        const { SignCommand } = await import("@aws-sdk/client-kms");
        client ??= open(region);
        const command = new SignCommand({ KeyId: arn, Message: message, MessageType: "RAW", SigningAlgorithm: algorithms[vkey.type] });
        return (await (await client).send(command)).Signature;
      });
      if (signature === undefined || !verify(null, message, vkey.key, signature))
        throw new HoldfastError(
          "ledger",
          `${arn} gave a signature that the ${vkey.type} key ${vkey.keyId.toString("hex")} of the ledger does not verify; nothing is signed with it`,
        );
      return Buffer.from(signature);
    },
  };
}

/** The public key that KMS holds under this ARN, as a verifier key of the log. */
export async function kmsVkey(origin: string, keyArn: string): Promise<Vkey> {
  const { arn, region } = parseKmsArn(keyArn);
  const der = await asked(arn, "give its public key", async () => {
    const { GetPublicKeyCommand } = await import("@aws-sdk/client-kms");
    const client = await open(region);
    try {
      return (await client.send(new GetPublicKeyCommand({ KeyId: arn }))).PublicKey;
    } finally {
      client.destroy();
    }
  });
  const vkey = der === undefined ? null : vkeyOfSpki(origin, Buffer.from(der));
  if (vkey === null)
    throw new HoldfastError("config", `${arn} is no key that can sign heads; make one of key spec ECC_NIST_EDWARDS25519 or ML_DSA_44 with usage SIGN_VERIFY`);
  return vkey;
}

async function open(region: string): Promise<KMSClient> {
  const sdk = await import("@aws-sdk/client-kms");
  return new sdk.KMSClient({ region, maxAttempts: ATTEMPTS });
}

async function asked<T>(arn: string, what: string, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    throw new HoldfastError(
      "ledger",
      `${arn} could not ${what} (${describeError(error)}); check credentials and the key's policy (kms:Sign, kms:GetPublicKey) and state`,
      error,
    );
  }
}
