/** Names of anchors as they stand in the ledger and in every document: `witness:NAME`, `rfc3161:NAME`, and `worm` for the mirror. */
export type AnchorName = `witness:${string}` | `rfc3161:${string}` | "worm";

/** What one anchor did when it was asked to vouch for the newest head. `anchored` is kept and durable. */
export type Anchored = { readonly anchor: AnchorName } & (
  | { readonly kind: "anchored"; readonly size: number; readonly time: string; readonly text: string }
  | { readonly kind: "rollback" | "fork" | "misconfigured" | "broken"; readonly text: string }
);
