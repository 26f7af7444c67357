import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

type Credentials = { readonly accessKeyId: string; readonly secretAccessKey: string };
export type S3Home = { readonly home: string; readonly env: Readonly<Record<string, string>> };

/** A home whose vault `main` is that bucket in compliance mode, and the environment to reach it. */
export function s3Home(dir: string, endpoint: string, { accessKeyId, secretAccessKey }: Credentials, bucket = "vault"): S3Home {
  const home = join(dir, "home");
  mkdirSync(home, { recursive: true });
  writeFileSync(
    join(home, "holdfast.yaml"),
    `vaults:\n  main: {kind: s3, bucket: ${bucket}, region: us-east-1, prefix: holdfast/, mode: compliance, retain: 1d, endpoint: "${endpoint}", pathStyle: true}\ndefaultVault: main\n`,
  );
  return {
    home,
    env: { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey, AWS_CONFIG_FILE: "/dev/null", AWS_SHARED_CREDENTIALS_FILE: "/dev/null" },
  };
}
