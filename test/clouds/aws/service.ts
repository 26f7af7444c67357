/**
 * One service of the AWS stand-in. It decides from its state and what the call says; the protocol (how a request is read and a
 * reply is written) is the server's business, so that a service needs no vendor model to run.
 *
 *     export function stsService(world: World, keys: KeyRing): Service {
 *       return {
 *         name: "sts", protocol: "query", version: "2011-06-15", namespace: "https://sts.amazonaws.com/doc/2011-06-15/",
 *         operations: { GetCallerIdentity: (call) => ({ xml: { UserId: call.caller.userId, Account: call.account, Arn: call.caller.arn } }) },
 *       };
 *     }
 */
import type { Caller } from "./key-ring.ts";
import type { XmlObject } from "./wire-xml.ts";

/** A decoded request. Names are those of the wire: of the form fields, of the JSON, or of path and query. */
export type Params = Readonly<Record<string, unknown>>;

export type Call = {
  readonly service: string;
  readonly operation: string;
  /** Twelve digits: the account that the access key belongs to. */
  readonly account: string;
  readonly caller: Caller;
  readonly region: string;
  /** The server's clock at this call. */
  readonly now: Date;
  /** ec2 and query: nested, numbered lists as arrays (`{ InstanceId: ["i-1"], Filter: [{ Name, Value: ["…"] }] }`), all leaves text. */
  readonly params: Params;
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  readonly requestId: string;
  /** Aborted when the client hangs up. */
  readonly signal: AbortSignal;
};

/** `xml` is what stands under the reply's root (ec2) or its Result (query); one of the three, or none for an empty reply. */
export type Reply = {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly xml?: XmlObject;
  readonly json?: unknown;
  readonly bytes?: Uint8Array;
};

export type Operation = (call: Call) => Reply | Promise<Reply>;

export type Protocol = "ec2" | "query" | "json" | "rest-json";

export type Service = {
  /** As in the credential scope: ec2, ebs, sts, iam, ssm, logs, cloudtrail, kms, autoscaling, elasticloadbalancing. */
  readonly name: string;
  readonly protocol: Protocol;
  /** The API version that ec2 and query requests must name. */
  readonly version?: string;
  /** The xmlns of ec2 and query replies. */
  readonly namespace?: string;
  /** json: what X-Amz-Target says before the operation's name. */
  readonly targetPrefix?: string;
  /** json, rest-json: the member of an error that holds its sentence; "message" unless said. */
  readonly messageName?: "message" | "Message" | ((code: string) => "message" | "Message");
  readonly operations: Readonly<Record<string, Operation>>;
  /** rest-json: which operation a path is, and the names in it (routesOf). */
  readonly route?: (method: string, path: string) => { readonly operation: string; readonly names: Readonly<Record<string, string>> } | null;
};

/** A refusal as AWS gives it; `fields` are further members of a JSON error. */
export class AwsRefusal extends Error {
  readonly code: string;
  readonly status: number;
  readonly fields: Readonly<Record<string, unknown>>;
  constructor(code: string, message: string, status = 400, fields: Readonly<Record<string, unknown>> = {}) {
    super(message);
    this.name = "AwsRefusal";
    this.code = code;
    this.status = status;
    this.fields = fields;
  }
}

/** What AWS knows and the stand-in does not: 501, and red in the test that asked (`fake.unknown`). */
export class Unknown extends Error {
  override readonly name: string = "Unknown";
}
