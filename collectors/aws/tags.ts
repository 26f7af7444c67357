/** What Holdfast writes on all that it makes in an account, and on its sessions: who finds it knows whose it is. */
export type Belongs = { readonly case: string; readonly collection: string; readonly exhibit?: string | null };

export type Tag = { readonly Key: string; readonly Value: string };

export function tagsOf(belongs: Belongs): Tag[] {
  const tags = [
    { Key: "holdfast:case", Value: belongs.case },
    { Key: "holdfast:collection", Value: belongs.collection },
  ];
  return belongs.exhibit === undefined || belongs.exhibit === null ? tags : [...tags, { Key: "holdfast:exhibit", Value: belongs.exhibit }];
}
