import { actDraft } from "../core/act-draft.ts";
import { parseExhibitId } from "../core/case.ts";
import { describeError, HoldfastError, systemCode } from "../core/error.ts";
import type { Wish } from "../core/plan.ts";
import { parseTarget } from "../core/target.ts";
import type { LedgerAudit } from "../core/verdict.ts";
import type { MirrorAudit } from "../ledger/mirror/mirror-audit.ts";
import type { ExhibitCheck, OverallVerdict } from "../core/exhibit-check.ts";
import { overallVerdict } from "../verify/verify-result.ts";
import type { VerifyWish } from "./check-exhibits.ts";
import type { Collecting } from "./collecting.ts";
import type { Services } from "./services.ts";

export type VerifyReport = {
  readonly verdict: OverallVerdict;
  readonly recorded: boolean;
  readonly ledger: LedgerAudit;
  readonly exhibits: readonly ExhibitCheck[];
};

export type DoctorLine = { readonly check: string; readonly ok: boolean; readonly fatal: boolean; readonly text: string };

export type Checking = {
  /** `ask`: the witnesses are asked now too, not only their kept words checked. `receipts`: a folder of such as others keep, or null. */
  audit(ask: boolean, receipts: string | null, signal: AbortSignal): Promise<LedgerAudit>;
  verify(wish: VerifyWish, each: (check: ExhibitCheck) => void, signal: AbortSignal): Promise<VerifyReport>;
  doctor(target: string | null, wish: Wish, signal: AbortSignal): Promise<readonly DoctorLine[]>;
};

export function checking(services: Services, collections: Collecting, freeBytes: (path: string) => Promise<number>): Checking {
  const audit = async (ask: boolean, signal: AbortSignal): Promise<LedgerAudit> => {
    const { withMirror } = await import("../ledger/mirror/mirror-audit.ts");
    const mirror = await services.mirror.audit(signal);
    const found = await services.anchors.audit(ask, mirrorProves(mirror), signal);
    // Where the witnesses were asked and fewer than the quorum vouch, this audit is not intact any more.
    return withMirror(found, mirror, ask && services.config.anchors.witnesses.length > 0);
  };
  /** Whoever holds the victim's account must not hold the evidence: a lock does not outlive the account. */
  const strangers = async (target: string, signal: AbortSignal): Promise<readonly { readonly ok: boolean; readonly text: string }[]> => {
    const account = /^arn:[a-z-]+:[a-z0-9]+:[a-z0-9-]*:(\d{12}):/.exec(target)?.[1];
    const { name, config } = services.vaultConfig(null);
    if (account === undefined || config.kind === "directory") return [];
    switch (await (await services.vault(name)).ownedBy(account, signal)) {
      case "no":
        return [{ ok: true, text: `vault ${name} belongs to another account than the target's` }];
      case "yes":
        return [
          {
            ok: false,
            text: `vault ${name} belongs to the target's own account ${account}: whoever took it over can close it, and the vault's lock ends with it`,
          },
        ];
      case "unknown":
        return [{ ok: false, text: `vault ${name} does not tell whose it is: make sure that it is not of account ${account}` }];
    }
  };
  return {
    async audit(ask, receipts, signal) {
      const found = await audit(ask, signal);
      if (receipts === null) return found;
      const { withReceipts } = await import("../ledger/audit/held-receipts.ts");
      return withReceipts(found, services.paths.ledger, receipts, signal);
    },
    async verify(wish, each, signal) {
      for (const id of wish.exhibits) parseExhibitId(id);
      const ledger = await audit(!wish.offline, signal);
      const { checkExhibits } = await import("./check-exhibits.ts");
      const exhibits = await checkExhibits(services, wish, ledger.verdict === "intact", each, signal);
      const verdict = overallVerdict(ledger, exhibits);
      return { verdict, ledger, exhibits, recorded: await recordVerification(services, verdict, exhibits, wish.quick) };
    },
    async doctor(target, wish, signal) {
      const lines: DoctorLine[] = [];
      const line = (check: string, ok: boolean, fatal: boolean, text: string): void => void lines.push({ check, ok, fatal, text });
      const attempt = async (check: string, body: () => Promise<void>): Promise<void> => {
        try {
          await body();
        } catch (error) {
          line(check, false, true, describeError(error));
        }
      };
      await attempt("ledger", async () => {
        const found = await audit(false, signal);
        line(
          "ledger",
          found.verdict === "intact",
          found.verdict !== "unverifiable" || found.unreachable.length === 0, // an anchor that is down stops no collection
          found.verdict === "intact"
            ? `intact at ${found.found.size} acts; assurance ${found.assurance}${found.assurance === "self" ? ": nothing outside this machine holds its head" : `: ${found.anchors.join(", ")}`}`
            : `${found.verdict}: ${found.problems.map((p) => p.text).join("; ")}`,
        );
        await services.recorder();
      });
      await attempt("disk space", async () => {
        const free = await freeBytes(services.paths.home);
        line("disk space", free > 1e9, true, `${Math.floor(free / 1e6)} MB free at ${services.paths.home}`);
      });
      for (const name of services.vaultNames())
        await attempt(`vault ${name}`, async () => {
          for (const answer of await (await services.vault(name)).probe(signal)) line(`vault ${name}: ${answer.probe}`, answer.ok, answer.fatal, answer.text);
        });
      await attempt("actor", async () => {
        const { actors } = await import("./actors.ts");
        const actor = await actors(services).check();
        line("actor", actor.ok, actor.fatal, actor.text);
      });
      line("clock", true, false, "offset not measured: no time source is configured in this release; acts say so");
      const standing = services.anchors.standing();
      if (standing.length === 0 && services.config.anchors.worm === null)
        line("anchors", false, false, "none: assurance is self, which proves nothing against whoever holds this machine");
      await attempt("anchor worm", async () => {
        const mirror = await services.mirror.flush(signal);
        if (mirror === null) return;
        const { vault, mirrored, trouble, alarms } = mirror;
        line("anchor worm", trouble === null, false, trouble === null ? `vault ${vault} holds ${mirrored ?? 0} acts` : `${trouble.kind}: ${trouble.text}`);
        for (const alarm of alarms) line("anchor worm", false, true, alarm);
      });
      if (standing.length > 0)
        await attempt("anchors", async () => {
          for (const one of await services.anchors.now(signal))
            line(
              `anchor ${one.anchor}`,
              one.kind === "anchored",
              one.kind === "rollback" || one.kind === "fork",
              one.kind === "anchored" ? `vouches for ${one.size} acts since ${one.time}; ${one.text}` : `${one.kind}: ${one.text}`,
            );
        });
      if (target !== null)
        await attempt(`target ${target}`, async () => {
          const plan = await collections.plan(target, wish, signal);
          line(`target ${target}`, plan.steps.length > 0, true, `${plan.steps.length} steps: ${plan.steps.map((step) => step.id).join(", ")}`);
          for (const { kind, why } of plan.without) line(`target ${target}: ${kind}`, false, false, why);
          const asked = parseTarget(target);
          for (const answer of await (await services.collector(asked)).doctor(asked, wish, signal))
            line(`target ${target}: ${answer.probe}`, answer.ok, answer.fatal, answer.text);
          for (const { text, ok } of await strangers(plan.target, signal)) line(`target ${target}: vault`, ok, false, text);
        });
      return lines;
    },
  };
}

/** A mirror under lock would hold the later checkpoints of a ledger that was put back: then no witness is needed to tell. */
function mirrorProves(mirror: MirrorAudit | null): boolean {
  return mirror?.kind === "checked" && mirror.covers > 0 && mirror.lock === "irrevocable" && mirror.problems.length === 0;
}

/** A verification is an act, unless the home is read-only or its ledger must not be signed again: both are said, not hidden. */
async function recordVerification(services: Services, verdict: OverallVerdict, exhibits: readonly ExhibitCheck[], quick: boolean): Promise<boolean> {
  if (exhibits.length === 0 || verdict === "rollback" || verdict === "fork") return false;
  const drafts = exhibits.map((check) =>
    actDraft("verified", services.actor, {
      case: check.id.slice(0, check.id.lastIndexOf("/")),
      exhibits: [check.id],
      detail: { method: check.method, verdict: check.verdict, text: check.text.slice(0, 2000), quick },
    }),
  );
  // `recorded: false` in the answer is how a home that cannot be written is verified; a damaged ledger shows in `ledger` beside it.
  const recorder = await services.recorder().catch(() => null);
  if (recorder === null) return false;
  try {
    for (let i = 0; i < drafts.length; i += 64) await recorder.append(drafts.slice(i, i + 64));
    return true;
  } catch (error) {
    if (error instanceof HoldfastError ? error.code !== "unexpected" && error.code !== "paused" : systemCode(error) !== undefined) return false;
    throw error;
  }
}
