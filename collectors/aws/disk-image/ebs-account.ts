import { type Budget, type BudgetPorts, openBudget } from "./ebs-budget.ts";

/** What all snapshots of one account in one Region share in this process, and what each has for itself. */
export type EbsAccount = {
  /** ListSnapshotBlocks: 50 a second for the account (facts/aws §1.3). */
  readonly lists: Budget;
  /** GetSnapshotBlock over all snapshots: 1,000 a second unless AWS raised it. */
  readonly blocks: Budget;
  /** GetSnapshotBlock of one snapshot: never more than 1,000 a second. */
  snapshot(id: string): Budget;
};

export type EbsAccounts = (account: string, region: string) => EbsAccount;

/** One for the process: two collections from one account are one client to AWS. */
export function openEbsAccounts(ports: BudgetPorts): EbsAccounts {
  const accounts = new Map<string, EbsAccount>();
  return (account, region) => {
    const known = accounts.get(`${account} ${region}`) ?? openAccount(ports);
    accounts.set(`${account} ${region}`, known);
    return known;
  };
}

function openAccount(ports: BudgetPorts): EbsAccount {
  const snapshots = new Map<string, Budget>();
  return {
    lists: openBudget({ start: 20, least: 1, most: 50 }, ports),
    blocks: openBudget({ start: 850, least: 5, most: Number.POSITIVE_INFINITY }, ports),
    snapshot(id) {
      const known = snapshots.get(id) ?? openBudget({ start: 850, least: 5, most: 1000 }, ports);
      snapshots.set(id, known);
      return known;
    },
  };
}
