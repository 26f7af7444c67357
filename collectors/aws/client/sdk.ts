import type { Agent as HttpAgent } from "node:http";
import type { Agent as HttpsAgent } from "node:https";
import { createRequire } from "node:module";
import type { GetCallerIdentityCommand, STSClient, STSClientConfig } from "@aws-sdk/client-sts";
import type { CallName } from "../calls/calls.ts";
import type { ServiceName } from "./link.ts";

/** All clients of the SDK have one shape; STS stands for it. What a call takes and gives is typed in link.ts. */
export type SdkClient = Pick<STSClient, "send" | "destroy" | "config">;
export type SdkCommand = GetCallerIdentityCommand;
export type Credentials = NonNullable<STSClientConfig["credentials"]>;

export type ClientConfig = {
  readonly region: string;
  readonly endpoint?: string;
  readonly credentials?: Credentials;
  readonly maxAttempts: 1;
  readonly customUserAgent: string;
  readonly requestHandler: { readonly connectionTimeout: number; readonly httpAgent: HttpAgent; readonly httpsAgent: HttpsAgent };
};

export type Sdk = {
  readonly make: (config: ClientConfig) => SdkClient;
  readonly command: (operation: string, input: object) => SdkCommand;
};

type Module = Readonly<Record<string, unknown>>;

/**
 * The SDK is CommonJS. To import() it, Node parses each file once more to see whether it is a module and what it exports: for EC2 that
 * is as dear again as to run it (measured: 220 ms of processor time, and 110 with require).
 */
const require = createRequire(import.meta.url);

const modules: Readonly<Record<ServiceName, { readonly client: string; readonly load: () => Module }>> = {
  autoscaling: { client: "AutoScalingClient", load: () => require("@aws-sdk/client-auto-scaling") },
  cloudtrail: { client: "CloudTrailClient", load: () => require("@aws-sdk/client-cloudtrail") },
  ebs: { client: "EBSClient", load: () => require("@aws-sdk/client-ebs") },
  ec2: { client: "EC2Client", load: () => require("@aws-sdk/client-ec2") },
  elasticloadbalancing: { client: "ElasticLoadBalancingV2Client", load: () => require("@aws-sdk/client-elastic-load-balancing-v2") },
  iam: { client: "IAMClient", load: () => require("@aws-sdk/client-iam") },
  kms: { client: "KMSClient", load: () => require("@aws-sdk/client-kms") },
  logs: { client: "CloudWatchLogsClient", load: () => require("@aws-sdk/client-cloudwatch-logs") },
  s3: { client: "S3Client", load: () => require("@aws-sdk/client-s3") },
  ssm: { client: "SSMClient", load: () => require("@aws-sdk/client-ssm") },
  sts: { client: "STSClient", load: () => require("@aws-sdk/client-sts") },
};

/** Loads the SDK of a service: EC2's alone is 28 MB, and a first memory command must not wait for those that it does not need. */
export async function loadSdk(service: ServiceName): Promise<Sdk> {
  const { client, load } = modules[service];
  const module = load();
  return {
    make: (config) => construct(module, client, service === "s3" ? { ...config, ...s3Only(config) } : config) as SdkClient,
    command: (operation, input) => construct(module, `${operation}Command`, input) as SdkCommand,
  };
}

function construct(module: Module, name: string, argument: object): unknown {
  const made = module[name];
  if (typeof made !== "function") throw new TypeError(`the SDK has no ${name}`);
  return Reflect.construct(made, [argument]);
}

function s3Only(config: ClientConfig): object {
  // Bytes are hashed here, so the SDK need not sum them a second time. Buckets of other Regions are for bucket-home.ts to find.
  return {
    forcePathStyle: config.endpoint !== undefined,
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
  };
}

export function serviceOf(name: CallName): { readonly service: ServiceName; readonly operation: string } {
  const colon = name.indexOf(":");
  return { service: name.slice(0, colon) as ServiceName, operation: name.slice(colon + 1) }; // Input<N> is never for any other prefix
}
