import { gunzipSync } from "node:zlib";
import type { ChainObject, DigestBody, DigestChain } from "./digest-chains.ts";

export function objectAt(chain: DigestChain, key: string | undefined): ChainObject {
  const object = chain.objects.get(`${chain.bucket}/${key}`);
  if (object === undefined) throw new Error(`the chain has no ${key}`);
  return object;
}

export function put(chain: DigestChain, object: ChainObject): void {
  chain.objects.set(`${object.bucket}/${object.key}`, object);
}

export function remove(chain: DigestChain, key: string | undefined): ChainObject {
  const object = objectAt(chain, key);
  chain.objects.delete(`${chain.bucket}/${key}`);
  return object;
}

export function bodyOf(chain: DigestChain, key: string | undefined): DigestBody {
  const body: DigestBody = JSON.parse(gunzipSync(objectAt(chain, key).bytes).toString("utf8"));
  return body;
}

export function nameOf(key: string | undefined): string {
  return `${key}`.slice(`${key}`.lastIndexOf("/") + 1);
}
