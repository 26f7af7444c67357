import { AwsRefusal } from "./service.ts";

export type IamRole = {
  readonly name: string;
  readonly path?: string;
  readonly created: Date;
  readonly trust: unknown;
  readonly tags?: Readonly<Record<string, string>>;
  /** ARNs of managed policies. */
  readonly attached: readonly string[];
  /** Inline policies as their JSON text, by name. */
  readonly inline: Map<string, string>;
};
export type IamUser = {
  readonly name: string;
  readonly created: Date;
  readonly inline: Map<string, string>;
  readonly keys: { readonly id: string; readonly created: Date; status: "Active" | "Inactive" }[];
};
type IamPolicy = {
  readonly arn: string;
  readonly created: Date;
  readonly defaultVersion: string;
  /** Documents by version (`v1`). */
  readonly versions: Readonly<Record<string, unknown>>;
};
export type IamAccount = {
  readonly roles: Map<string, IamRole>;
  readonly users: Map<string, IamUser>;
  /** Instance profiles: the role's name, or null for one without. */
  readonly profiles: Map<string, { readonly role: string | null; readonly created: Date }>;
  readonly policies: IamPolicy[];
  /** none: nobody asked for one yet. */
  report: { readonly kind: "none" } | { readonly kind: "started"; asked: number } | { readonly kind: "complete"; readonly at: Date };
};
export type IamWorld = {
  readonly accounts: Map<string, IamAccount>;
  /** So often a credential report that was ordered is not ready. */
  reportWaits: number;
};

export function iamAccount(): IamAccount {
  return { roles: new Map(), users: new Map(), profiles: new Map(), policies: [], report: { kind: "none" } };
}

export function iamWorld(): IamWorld {
  return { accounts: new Map(), reportWaits: 2 };
}

export function found<T>(value: T | undefined | null, what: string): T {
  if (value === undefined || value === null) throw new AwsRefusal("NoSuchEntity", `The ${what} cannot be found.`, 404);
  return value;
}

/** Documents travel URL-encoded in answers (RFC 3986). */
export function encoded(document: unknown): string {
  return encodeURIComponent(typeof document === "string" ? document : JSON.stringify(document));
}
