import { hash, sign, type KeyObject, type X509Certificate } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Issued } from "./tsa-certificates.ts";
import { listen } from "./witness-fake.ts";

export type TsaLie =
  | null
  | "down"
  | "problem-json"
  | "rejection"
  | "granted-empty"
  | "garbage"
  | "trailing"
  | "nonce"
  | "no-nonce"
  | "imprint"
  | "sha-512-imprint"
  | "no-certificate"
  | "other-certificate-named"
  | "none-named"
  | "sha-1-named"
  | "signature"
  | "signed-without-attributes"
  | "message-digest"
  | "content-type"
  | "no-content-type"
  | "two-signers"
  | "sha-1-digest";

/** A small RFC 3161 authority, written by hand from RFC 3161 and 5652: `openssl ts -verify` is asked about its honest tokens. */
export type TsaFake = { readonly url: string; lie: TsaLie; now: () => Date; requests: number; stop(): Promise<void> };

export type TsaMakings = { readonly signer: Issued; readonly chain: readonly X509Certificate[]; readonly policy: string };

export async function startTsa(makings: TsaMakings): Promise<TsaFake> {
  const server = createServer(
    (request, response) => void answer(fake, makings, request, response).catch((error) => response.writeHead(500).end(String(error))),
  );
  const fake: TsaFake = {
    url: await listen(server),
    lie: null,
    now: () => new Date(),
    requests: 0,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return fake;
}

async function answer(fake: TsaFake, makings: TsaMakings, request: IncomingMessage, response: ServerResponse): Promise<void> {
  fake.requests += 1;
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part);
  if (fake.lie === "down") return void response.destroy();
  if (request.headers["content-type"] !== "application/timestamp-query" || fake.lie === "problem-json")
    return void response.writeHead(400, { "content-type": "application/json" }).end('{"code":400,"message":"Error generating timestamp response"}\n');
  response.writeHead(200, { "content-type": "application/timestamp-reply" }).end(replyTo(Buffer.concat(parts), makings, fake));
}

const SHA_256 = "608648016503040201";
const algorithm = (hex: string): Buffer => der(0x30, oid(hex), der(0x05));
const CONTENT_TYPE = "2a864886f70d010903";
const TST_INFO = "2a864886f70d0109100104";

function replyTo(query: Buffer, makings: TsaMakings, fake: { readonly lie: TsaLie; readonly now: () => Date }): Buffer {
  const { lie } = fake;
  const [, imprint, ...rest] = elements(elements(query)[0]?.content ?? Buffer.alloc(0));
  const nonce = rest.find((e) => e.tag === 0x02);
  const granted = der(0x30, der(0x02, Buffer.of(0)));
  if (lie === "rejection") return der(0x30, der(0x30, der(0x02, Buffer.of(2)), der(0x30, der(0x0c, Buffer.from("the clock is not trusted")))));
  if (lie === "granted-empty") return der(0x30, granted);
  if (lie === "garbage") return Buffer.from("<html>welcome</html>");
  const stamped =
    lie === "imprint"
      ? der(0x30, algorithm(SHA_256), der(0x04, hash("sha256", "other", "buffer")))
      : lie === "sha-512-imprint"
        ? der(0x30, algorithm("608648016503040203"), der(0x04, Buffer.alloc(64)))
        : (imprint?.whole ?? Buffer.alloc(0));
  const echoed = lie === "no-nonce" || nonce === undefined ? [] : [lie === "nonce" ? der(0x02, Buffer.of(0x41, 1, 2, 3)) : nonce.whole];
  const time = fake
    .now()
    .toISOString()
    .replace(/[-T:]|\.\d{3}/g, "");
  const policy = oidOf(makings.policy);
  const info = der(0x30, der(0x02, Buffer.of(1)), policy, stamped, der(0x02, Buffer.of(0x11)), der(0x18, Buffer.from(time)), ...echoed);
  const signer = signerInfo(info, makings, lie);
  const certificates = lie === "no-certificate" ? [] : [der(0xa0, makings.signer.certificate.raw, ...makings.chain.map((c) => c.raw))];
  const content = der(0x30, oid(TST_INFO), der(0xa0, der(0x04, info)));
  const infos = der(0x31, signer, ...(lie === "two-signers" ? [signer] : []));
  const signedData = der(0x30, der(0x02, Buffer.of(3)), der(0x31, algorithm(SHA_256)), content, ...certificates, infos);
  const token = der(0x30, oid("2a864886f70d010702"), der(0xa0, signedData));
  const reply = der(0x30, granted, token);
  return lie === "trailing" ? Buffer.concat([reply, Buffer.of(5, 0)]) : reply;
}

function signerInfo(info: Buffer, makings: TsaMakings, lie: TsaLie): Buffer {
  const { certificate, key } = makings.signer;
  const named = lie === "other-certificate-named" ? (makings.chain[0] ?? certificate) : certificate;
  const digest = hash("sha256", lie === "message-digest" ? "other" : info, "buffer");
  const attribute = (type: string, value: Buffer): Buffer => der(0x30, oid(type), der(0x31, value));
  const essV2 = attribute("2a864886f70d010910022f", der(0x30, der(0x30, der(0x30, der(0x04, hash("sha256", named.raw, "buffer"))))));
  const essV1 = attribute("2a864886f70d010910020c", der(0x30, der(0x30, der(0x30, der(0x04, hash("sha1", named.raw, "buffer"))))));
  const attributes = [
    ...(lie === "no-content-type" ? [] : [attribute(CONTENT_TYPE, oid(lie === "content-type" ? "2a864886f70d010701" : TST_INFO))]),
    attribute("2a864886f70d010904", der(0x04, digest)),
    ...(lie === "none-named" ? [] : [lie === "sha-1-named" ? essV1 : essV2]),
  ].sort(Buffer.compare);
  const bare = lie === "signed-without-attributes";
  const signature = sign("sha256", bare ? info : der(0x31, ...attributes), key);
  if (lie === "signature") signature.writeUInt8(signature.readUInt8(signature.length - 1) ^ 1, signature.length - 1);
  const tbs = elements(elements(certificate.raw)[0]?.content ?? Buffer.alloc(0))[0];
  const fields = elements(tbs?.content ?? Buffer.alloc(0)); // [0] version, serial, algorithm, issuer, …
  return der(
    0x30,
    der(0x02, Buffer.of(1)),
    der(0x30, fields[3]?.whole ?? Buffer.alloc(0), fields[1]?.whole ?? Buffer.alloc(0)),
    lie === "sha-1-digest" ? algorithm("2b0e03021a") : algorithm(SHA_256),
    ...(bare ? [] : [der(0xa0, ...attributes)]),
    algorithmOf(key),
    der(0x04, signature),
  );
}

function algorithmOf(key: KeyObject): Buffer {
  return key.asymmetricKeyType === "rsa" ? algorithm("2a864886f70d01010b") : der(0x30, oid("2a8648ce3d040302"));
}

function der(tag: number, ...contents: readonly Buffer[]): Buffer {
  const content = Buffer.concat(contents);
  const size = content.length;
  const length = size < 0x80 ? [size] : size < 0x100 ? [0x81, size] : [0x82, size >> 8, size & 0xff];
  return Buffer.concat([Buffer.of(tag, ...length), content]);
}

function oid(hex: string): Buffer {
  return der(0x06, Buffer.from(hex, "hex"));
}

/** Dotted form, arcs below 128. */
function oidOf(dotted: string): Buffer {
  const [first = 0, second = 0, ...arcs] = dotted.split(".").map(Number);
  return der(0x06, Buffer.of(first * 40 + second, ...arcs));
}

function elements(bytes: Buffer): readonly { readonly tag: number; readonly content: Buffer; readonly whole: Buffer }[] {
  const found = [];
  for (let at = 0; at < bytes.length; ) {
    const first = bytes.readUInt8(at + 1);
    const extra = first < 0x80 ? 0 : first & 0x7f;
    const length = extra === 0 ? first : bytes.readUIntBE(at + 2, extra);
    const start = at + 2 + extra;
    found.push({ tag: bytes.readUInt8(at), content: bytes.subarray(start, start + length), whole: bytes.subarray(at, start + length) });
    at = start + length;
  }
  return found;
}
