/** What a campaign is asked and what it answers. `say` prints a line of progress; an empty list of failures is a pass. */
export type CampaignWish = { readonly seed: number; readonly count: number; readonly say: (line: string) => void };
export type CampaignEnd = { readonly summary: string; readonly failures: readonly string[] };
