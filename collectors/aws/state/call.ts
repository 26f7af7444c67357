import type { Aws } from "../aws.ts";
import type { CallName } from "../calls/calls.ts";
import type { Answer, Input, Output } from "../client/link.ts";

/** Evidence of its own inside an answer: console text, user data. `member` is its name under `derived/`. */
export type Derived = { readonly member: string; readonly bytes: Uint8Array };

/** Refusals that tell a fact and are no gap: `NoSuchBucketPolicy`. `means` says in words which; `instead` is asked in place of it. */
export type NoneThere = { readonly codes: readonly string[]; readonly means: string; readonly instead?: readonly StateCall[] };

/**
 * One read of the provider's API, as data. The state room asks it, keeps the wire bytes of each answer and asks what follows:
 *
 *     stateCall({ name: "cloudtrail:DescribeTrails", input: {}, follow: ({ trailList = [] }) => trailList.flatMap(trailCalls) })
 *
 * A refusal is a gap of the exhibit unless `none` knows its code.
 */
export type StateQuestion<N extends CallName> = {
  readonly name: N;
  /** The target's where it is not said. */
  readonly region?: string | null;
  readonly input: Input<N>;
  /** Of a call that has pages: what to add to the input for the next one; null at the end (`byNextToken`, `byMarker`). */
  readonly next?: (answer: Output<N>) => Partial<Input<N>> | null;
  readonly none?: NoneThere;
  readonly derived?: (answer: Output<N>) => readonly Derived[];
  /** What this page's answer leads to; asked right after it. What was asked already is not asked again. */
  readonly follow?: (answer: Output<N>) => readonly StateCall[];
};

/** A question with its types inside, so that questions of all services can stand in one list. Made by `stateCall`. */
export type StateCall = {
  readonly name: CallName;
  readonly region: string | null;
  readonly input: object;
  readonly none: NoneThere | null;
  /** Whether it asks for another page than the first. */
  readonly continues: boolean;
  /** One page. Rejects as AwsLink.ask does. */
  ask(aws: Aws, signal: AbortSignal): Promise<StatePage>;
};

export type StatePage = { readonly answer: Answer<unknown>; readonly derived: readonly Derived[]; readonly leads: readonly StateCall[] };

export function stateCall<N extends CallName>(question: StateQuestion<N>): StateCall {
  return page(question, question.input, false);
}

function page<N extends CallName>(question: StateQuestion<N>, input: Input<N>, continues: boolean): StateCall {
  const region = question.region ?? null;
  return {
    name: question.name,
    region,
    input,
    none: question.none ?? null,
    continues,
    async ask(aws, signal) {
      const answer = await aws.link.ask("source", region, question.name, input, signal, { keepWire: true });
      if (answer.kind === "refused") return { answer, derived: [], leads: [] };
      const more = question.next?.(answer.value) ?? null;
      return {
        answer,
        derived: question.derived?.(answer.value) ?? [],
        leads: [...(question.follow?.(answer.value) ?? []), ...(more === null ? [] : [page(question, { ...input, ...more }, true)])],
      };
    },
  };
}

export function byNextToken({ NextToken: token }: { readonly NextToken?: string | undefined }): { readonly NextToken: string } | null {
  return token === undefined || token === "" ? null : { NextToken: token };
}

/** IAM's way: a marker counts only where it says that the list was cut off. */
export function byMarker({ IsTruncated: cut, Marker: marker }: { readonly IsTruncated?: boolean | undefined; readonly Marker?: string | undefined }): {
  readonly Marker: string;
} | null {
  return cut !== true || marker === undefined || marker === "" ? null : { Marker: marker };
}
