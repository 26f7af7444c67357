import { constants, createCipheriv, createHash, createPublicKey, publicEncrypt } from "node:crypto";

/** A link that takes one part, once it is signed: PUT only, one object, short-lived. */
export type PartLink = { readonly number: number; readonly url: string };

/**
 * One batch as text. All links of an upload that were signed in one second differ in part number and signature only, so that a
 * part costs about 70 bytes of a command instead of 1,500.
 *
 *     holdfast-tickets 1
 *     tool https://…           (batch 0 only: where the memory tool is read)
 *     part https://…partNumber=@PART@…X-Amz-Signature=@SIGNATURE@…
 *     sig 1 64 hex digits
 *     end
 */
export function ticketText(links: readonly PartLink[], toolLink: string | null): string {
  const [first] = links;
  if (first === undefined && toolLink === null) throw new TypeError("a batch of tickets needs a link");
  const shape = first === undefined ? null : shapeOf(first).shape;
  const lines = links.map((link) => {
    const it = shapeOf(link);
    if (it.shape !== shape) throw new TypeError(`the link of part ${link.number} differs from the others of its batch in more than number and signature`);
    return `sig ${link.number} ${it.signature}`;
  });
  const text = [
    "holdfast-tickets 1",
    ...(toolLink === null ? [] : [`tool ${linkable(toolLink)}`]),
    ...(shape === null ? [] : [`part ${shape}`]),
    ...lines,
    "end",
  ];
  return text.join("\n");
}

export function plainTickets(text: string): string {
  return `plain\n${text}`;
}

/**
 * Sealed for one host: a pass phrase of 32 random bytes under RSA-OAEP (SHA-256), the text under AES-256-CBC with openssl's own
 * derivation (EVP_BytesToKey, SHA-256, one round: enough where the phrase itself is random), which every openssl since 1.0.2 has
 * on its command line. Keeps links out of the command history; that they came from us is what the channel proves, not this.
 */
export function sealedTickets(text: string, publicKey: Buffer, random: (bytes: number) => Buffer): string {
  const key = createPublicKey({ key: publicKey, format: "der", type: "spki" });
  if (key.asymmetricKeyType !== "rsa" || (key.asymmetricKeyDetails?.modulusLength ?? 0) < 2048)
    throw new TypeError("the host's key is no RSA key of 2048 bits or more");
  const phrase = Buffer.from(random(32).toString("hex"));
  const salt = random(8);
  const first = createHash("sha256").update(phrase).update(salt).digest();
  const second = createHash("sha256").update(first).update(phrase).update(salt).digest();
  const cipher = createCipheriv("aes-256-cbc", first, second.subarray(0, 16));
  const body = Buffer.concat([Buffer.from("Salted__"), salt, cipher.update(`${text}\n`), cipher.final()]);
  const wrapped = publicEncrypt({ key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: "sha256" }, phrase);
  return ["sealed", ...lines64(wrapped), "", ...lines64(body)].join("\n");
}

function shapeOf(link: PartLink): { readonly shape: string; readonly signature: string } {
  const signature = /[?&]X-Amz-Signature=([0-9a-f]{64})(?:&|$)/.exec(link.url)?.[1];
  const number = /[?&]partNumber=(\d+)(?:&|$)/.exec(link.url)?.[1];
  if (signature === undefined || number !== String(link.number)) throw new TypeError(`the link of part ${link.number} is no presigned link of that part`);
  return {
    shape: linkable(link.url).replace(`partNumber=${number}`, "partNumber=@PART@").replace(signature, "@SIGNATURE@"),
    signature,
  };
}

/** A link goes through shell, curl's configuration and a here-document: only what RFC 3986 lets a URL have, without quotes. */
function linkable(url: string): string {
  if (!/^https?:\/\/[A-Za-z0-9._~:/?#[\]@!$&()*+,;=%-]+$/.test(url) || url.includes("{{"))
    throw new TypeError("a link has characters that no presigned link has");
  return url;
}

function lines64(bytes: Buffer): readonly string[] {
  return bytes.toString("base64").match(/.{1,64}/g) ?? [];
}
