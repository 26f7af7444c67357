import { expect, test } from "vitest";
import { openEbsAccounts } from "../../../collectors/aws/disk-image/ebs-account.ts";
import { type Budget, openBudget } from "../../../collectors/aws/disk-image/ebs-budget.ts";

const never = new AbortController().signal;

/** Time that passes when everybody sleeps, and not otherwise. */
function simulation(): { readonly now: () => number; readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>; run(until: number): Promise<void> } {
  let now = 0;
  const sleepers: { at: number; wake: () => void }[] = [];
  return {
    now: () => now,
    sleep: (ms) => new Promise((wake) => sleepers.push({ at: now + ms, wake })),
    async run(until) {
      for (;;) {
        await new Promise((resolve) => setImmediate(resolve));
        const first = Math.min(...sleepers.map(({ at }) => at));
        if (first > until) break;
        now = Math.max(now, first);
        for (const sleeper of sleepers.splice(0)) sleeper.at <= now ? sleeper.wake() : sleepers.push(sleeper);
      }
      now = until;
    },
  };
}

type Service = { limit: number; served: number; refused: number; tokens: number; at: number };

/** A service with a token bucket of a fifth of a second, 100 ms away, and clients that always want more. */
function serve(time: ReturnType<typeof simulation>, service: Service, budgets: readonly Budget[], clients: number): void {
  const client = async (): Promise<void> => {
    for (;;) {
      for (const budget of budgets) await budget.take(never);
      await time.sleep(50, never);
      service.tokens = Math.min(service.limit / 5, service.tokens + ((time.now() - service.at) / 1000) * service.limit);
      service.at = time.now();
      const yes = service.tokens >= 1;
      if (yes) service.tokens -= 1;
      await time.sleep(50, never);
      if (yes) service.served += 1;
      else service.refused += 1;
      if (yes) for (const budget of budgets) budget.succeeded();
      else budgets.at(-1)?.throttled();
    }
  };
  for (let i = 0; i < clients; i += 1) void client();
}

const seed = 7;
function random(): (n: number) => Uint8Array {
  let x = seed;
  return (n) =>
    Uint8Array.from({ length: n }, () => {
      x = (x * 1_103_515_245 + 12_345) & 0x7fffffff;
      return x >> 16;
    });
}

test.for([1000, 700, 300, 40])("against a limit of %i a second, 90 % of it are used and few requests wasted", async (limit) => {
  const time = simulation();
  const service = { limit, served: 0, refused: 0, tokens: 0, at: 0 };
  const budget = openBudget({ start: 850, least: 5, most: Number.POSITIVE_INFINITY }, { ...time, random: random() });
  serve(time, service, [budget], 200);
  await time.run(10_000);
  service.served = 0;
  service.refused = 0;
  await time.run(40_000);
  expect(service.served / 30).toBeGreaterThan(limit * 0.9);
  expect(service.refused / (service.served + service.refused), `seed ${seed}`).toBeLessThan(0.15);
});

test("the quota of a snapshot is reached and never asked beyond", async () => {
  const time = simulation();
  const service = { limit: 1000, served: 0, refused: 0, tokens: 0, at: 0 };
  const budget = openEbsAccounts({ ...time, random: random() })("1", "r").snapshot("snap-1");
  serve(time, service, [budget], 200);
  await time.run(10_000);
  expect(service.served / 10).toBeGreaterThan(950);
  expect([service.refused, Math.round(budget.rate())]).toEqual([0, 1000]);
});

test("a storm in which all is throttled is sat out, and left quickly", async () => {
  const time = simulation();
  const service = { limit: 1000, served: 0, refused: 0, tokens: 0, at: 0 };
  const budget = openBudget({ start: 850, least: 5, most: 1000 }, { ...time, random: random() });
  serve(time, service, [budget], 128);
  await time.run(5000);
  service.limit = 0;
  service.refused = 0;
  await time.run(60_000);
  expect(service.refused / 55).toBeLessThan(60);
  expect(budget.rate()).toBe(5);
  service.limit = 1000;
  await time.run(70_000);
  service.served = 0;
  await time.run(75_000);
  expect(service.served / 5).toBeGreaterThan(850);
});

test("two snapshots of an account share its budget, each within its own", async () => {
  const time = simulation();
  const accounts = openEbsAccounts({ ...time, random: random() });
  const service = { limit: 800, served: 0, refused: 0, tokens: 0, at: 0 };
  expect(accounts("1", "r")).toBe(accounts("1", "r"));
  expect(accounts("1", "r")).not.toBe(accounts("2", "r"));
  const account = accounts("1", "r");
  expect(account.snapshot("a")).toBe(account.snapshot("a"));
  for (const id of ["a", "b"]) serve(time, service, [account.snapshot(id), account.blocks], 128);
  await time.run(10_000);
  service.served = 0;
  await time.run(30_000);
  expect(service.served / 20).toBeGreaterThan(800 * 0.85);
  expect(account.blocks.rate()).toBeLessThan(1000);
});

test("a rate that nobody needs does not grow", async () => {
  const time = simulation();
  const budget = openBudget({ start: 100, least: 5, most: 1000 }, { ...time, random: random() });
  for (let second = 0; second < 50; second += 1) {
    await budget.take(never);
    budget.succeeded();
    const slept = time.sleep(1000, never);
    await time.run((second + 1) * 1000);
    await slept;
  }
  expect(budget.rate()).toBe(100);
});

test("who is aborted in the line leaves it, and those behind come on", async () => {
  const time = simulation();
  const budget = openBudget({ start: 10, least: 5, most: 10 }, { ...time, random: random() });
  const gone = new AbortController();
  const turns = [never, gone.signal, never].map((signal) => budget.take(signal));
  gone.abort(new Error("gone"));
  const ended = Promise.allSettled(turns);
  await time.run(10_000);
  expect((await ended).map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
});
