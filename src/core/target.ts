import { HoldfastError } from "./error.ts";

/** The thing evidence is taken from, named by its provider's own id. */
export type Target =
  | { readonly kind: "host"; readonly id: "host:local" }
  | { readonly kind: "ssh"; readonly id: string }
  | { readonly kind: "aws"; readonly id: string }
  | { readonly kind: "azure"; readonly id: string }
  | { readonly kind: "gcp"; readonly id: string };

const shapes: readonly { readonly kind: Exclude<Target["kind"], "host">; readonly shape: RegExp }[] = [
  { kind: "ssh", shape: /^ssh:\/\/([^@/\s]+@)?[^:/\s]+(:\d{1,5})?$/ },
  { kind: "aws", shape: /^(aws:[a-z0-9-]+:i-[0-9a-f]{8,17}|arn:aws[a-z-]*:ec2:[a-z0-9-]+:\d{12}:instance\/i-[0-9a-f]{8,17})$/ },
  { kind: "azure", shape: /^\/subscriptions\/[^/\s]+\/resourcegroups\/[^/\s]+\/providers\/microsoft\.compute\/virtualmachines\/[^/\s]+$/i },
  { kind: "gcp", shape: /^(\/\/compute\.googleapis\.com\/)?projects\/[^/\s]+\/zones\/[^/\s]+\/instances\/[^/\s]+$/ },
];

export function parseTarget(text: string): Target {
  if (text === "host:local") return { kind: "host", id: text };
  for (const { kind, shape } of shapes) if (shape.test(text)) return { kind, id: text };
  throw new HoldfastError(
    "usage",
    `${JSON.stringify(text)} is not a target; write host:local, ssh://[USER@]HOST[:PORT], an EC2 ARN or aws:REGION:INSTANCE-ID, an ARM id, or projects/P/zones/Z/instances/N`,
  );
}
