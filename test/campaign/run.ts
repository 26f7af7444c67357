import { failing } from "./failing.ts";
import { killed } from "./killed.ts";
import { powerLoss } from "./power-loss.ts";
import type { CampaignEnd, CampaignWish } from "./campaign.ts";
import { outsideTools } from "./outside-tools.ts";
import { tampered } from "./tampered.ts";
import { writers } from "./writers.ts";

/** `npm run campaign NAME [SEED [COUNT]]`: the long form of a campaign that CI runs in short. Prints seed and summary; exit 1 on a failure. */
const campaigns: Readonly<Record<string, { readonly run: (wish: CampaignWish) => Promise<CampaignEnd>; readonly count: number }>> = {
  tampered: { run: tampered, count: 1_000 },
  killed: { run: killed, count: 1_000 },
  failing: { run: failing, count: 60 },
  outsiders: { run: outsideTools, count: 3 },
  "power-loss": { run: powerLoss, count: 20 },
  writers: { run: writers, count: 200 },
};

const [name = "", seedText, countText] = process.argv.slice(2);
const campaign = campaigns[name];
const seed = Number(seedText ?? Date.now() % 1_000_000_000);
const count = Number(countText ?? campaign?.count);
if (campaign === undefined || !Number.isSafeInteger(seed) || !Number.isSafeInteger(count) || count < 1) {
  console.error(`usage: npm run campaign NAME [SEED [COUNT]], with NAME one of ${Object.keys(campaigns).join(", ")}`);
  process.exitCode = 2;
} else {
  console.log(`campaign ${name}: seed ${seed}, count ${count}`);
  const { summary, failures } = await campaign.run({ seed, count, say: console.log });
  for (const failure of failures) console.log(`FAILED: ${failure}`);
  console.log(`${summary}; ${failures.length} failures`);
  process.exitCode = failures.length === 0 ? 0 : 1;
}
