import { actDraft } from "../core/act-draft.ts";
import { parseExhibitId } from "../core/case.ts";
import { HoldfastError } from "../core/error.ts";
import type { Act } from "../core/act.ts";
import { clearHold } from "../custody/clear-hold.ts";
import { cutRetention } from "../custody/cut-retention.ts";
import { disposeOf } from "../custody/dispose.ts";
import { acknowledge, correct, release, type Released, transfer } from "../custody/hand-over.ts";
import type { CustodyRequest } from "../core/custody-request.ts";
import { requestsOf } from "../custody/requests.ts";
import { approveRequest } from "../custody/second-person.ts";
import type { Settlement, TwoPersonContext } from "../custody/settle.ts";
import { demandKept } from "../custody/lock-acts.ts";
import { parseTarget } from "../core/target.ts";
import type { Why } from "./custodying.ts";
import type { Services } from "./services.ts";

/** Custody acts that pass evidence on, let go of it, or say that something was wrong; and the second person's part in them. */
export type HandingOver = {
  clearHold(exhibits: readonly string[], why: Why, signal: AbortSignal): Promise<Settlement>;
  cutRetention(exhibits: readonly string[], until: string, why: Why, signal: AbortSignal): Promise<Settlement>;
  dispose(exhibits: readonly string[], why: Why, signal: AbortSignal): Promise<Settlement>;
  release(exhibits: readonly string[], to: string, why: Why): Promise<Released>;
  /** Every byte is read again first (a hash at each transfer): code `altered` or `unverifiable` where one does not hold. */
  transfer(exhibits: readonly string[], to: string, why: Why, signal: AbortSignal): Promise<Act>;
  acknowledge(exhibits: readonly string[], why: Why): Promise<Act>;
  correct(seq: number, text: string, why: Why): Promise<Act>;
  requests(): readonly CustodyRequest[];
  approve(request: string, hash: string | null, reason: string | null): Promise<CustodyRequest>;
};

export function handingOver(services: Services): HandingOver {
  const within = async <T>(why: Why, act: (context: TwoPersonContext) => Promise<T>): Promise<T> => {
    const recorder = await services.recorder();
    const reader = services.openReader();
    const holderOf: TwoPersonContext["holderOf"] = async (target) => (await services.collector(parseTarget(target))).holder;
    try {
      return await act({ reader, recorder, vaultOf: services.vault, holderOf, actor: services.actor, clock: services.clock, ...why });
    } finally {
      reader.close();
    }
  };
  const demand = (exhibits: readonly string[]): void => services.reader((reader) => demandKept(reader, exhibits));
  return {
    clearHold: (exhibits, why, signal) => within(why, (context) => clearHold(context, exhibits, signal)),
    cutRetention: (exhibits, until, why, signal) => within(why, (context) => cutRetention(context, exhibits, until, signal)),
    dispose: (exhibits, why, signal) => within(why, (context) => disposeOf(context, exhibits, signal)),
    async release(exhibits, to, why) {
      demand(exhibits);
      return within(why, (context) => release(context, exhibits, to));
    },
    async transfer(exhibits, to, why, signal) {
      demand(exhibits);
      await hashAgain(services, exhibits, why, signal);
      return (await within(why, (context) => transfer(context, exhibits, to))).act;
    },
    acknowledge: async (exhibits, why) => (await within(why, (context) => acknowledge(context, exhibits))).act,
    correct: async (seq, text, why) => (await within(why, (context) => correct(context, seq, text))).act,
    requests: () => services.reader((reader) => requestsOf(reader, services.clock())),
    approve: (request, hash, reason) => within({ reason: "", authority: null }, (context) => approveRequest({ ...context, reason }, request, hash)),
  };
}

async function hashAgain(services: Services, exhibits: readonly string[], why: Why, signal: AbortSignal): Promise<void> {
  const { checkExhibits } = await import("./check-exhibits.ts");
  const checks = await checkExhibits(services, { case: null, exhibits, quick: false, offline: true }, true, () => undefined, signal);
  const recorder = await services.recorder();
  await recorder.append(
    checks.map(({ id, method, verdict, text }) =>
      actDraft("verified", services.actor, {
        ...why,
        case: parseExhibitId(id).caseId,
        exhibits: [id],
        detail: { method, verdict, text: text.slice(0, 2000), quick: false },
      }),
    ),
  );
  const bad = checks.find(({ verdict }) => verdict !== "intact" && verdict !== "held-by-provider");
  if (bad === undefined) return;
  const code = bad.verdict === "unverifiable" ? "unverifiable" : "altered";
  throw new HoldfastError(code, `exhibit ${bad.id} is ${bad.verdict}, so it is not handed over: ${bad.text}`);
}
