/** Filters, pages and tags, as all Describe operations of EC2 have them. */
import type { Ec2World } from "./ec2-world.ts";
import { itemsOf, numberOf, textOf, textsOf } from "./params.ts";
import { pageOf, requestOf } from "./pages.ts";
import { AwsRefusal, type Call, Unknown } from "./service.ts";
import type { XmlObject } from "./wire-xml.ts";

/** What a filter is held against, by its name; `tag:…`, `tag-key` come from `tags`. */
export type Filterable = { readonly fields: Readonly<Record<string, readonly string[]>>; readonly tags: ReadonlyMap<string, string> };

/** All filters must match, one value of each is enough; `*` and `?` stand for any. Filters that the stand-in lacks are told as such. */
export function matches(call: Call, one: Filterable): boolean {
  return itemsOf(call.params, "Filter").every((filter) => {
    const name = textOf(filter, "Name") ?? "";
    const patterns = textsOf(filter, "Value").map(patternOf);
    if (patterns.length === 0) throw new AwsRefusal("InvalidParameterValue", `The filter '${name}' has no values`);
    const held = heldBy(call, one, name);
    return patterns.some((pattern) => held.some((value) => pattern.test(value)));
  });
}

function heldBy(call: Call, { fields, tags }: Filterable, name: string): readonly string[] {
  if (name.startsWith("tag:")) {
    const value = tags.get(name.slice(4));
    return value === undefined ? [] : [value];
  }
  if (name === "tag-key") return [...tags.keys()];
  const held = fields[name];
  if (held === undefined) throw new Unknown(`ec2:${call.operation} with the filter ${JSON.stringify(name)}`);
  return held;
}

function patternOf(value: string): RegExp {
  const source = value
    .replaceAll(/[.+^${}()|[\]\\]/g, "\\$&")
    .replaceAll("*", ".*")
    .replaceAll("?", ".");
  return new RegExp(`^${source}$`, "s");
}

/** One page. With ids no page size may be asked (`alone`): EC2 refuses the two together. */
export function listed<T>(
  world: Ec2World,
  call: Call,
  all: readonly T[],
  bounds: { readonly least: number; readonly alone?: string },
): { readonly items: readonly T[]; readonly next: string | null } {
  const asked = numberOf(call.params, "MaxResults");
  if (asked !== null && !(asked >= bounds.least))
    throw new AwsRefusal(
      "InvalidParameterValue",
      `Value ( ${asked} ) for parameter maxResults is invalid. Expecting a value greater than or equal to ${bounds.least}.`,
    );
  if (asked !== null && bounds.alone !== undefined && textsOf(call.params, bounds.alone).length > 0)
    throw new AwsRefusal("InvalidParameterCombination", `The parameter ${bounds.alone} cannot be used with the parameter maxResults`);
  return pageOf(() => all, {
    size: Math.min(asked ?? 1000, 1000, world.pageSize),
    token: textOf(call.params, "NextToken"),
    request: requestOf(call, "NextToken"),
    now: call.now,
    bad: () => new AwsRefusal("InvalidParameterValue", "Unable to parse the pagination token."),
    empties: world.emptyPages,
  });
}

export function shownTags(tags: ReadonlyMap<string, string>): XmlObject {
  return { item: [...tags].map(([key, value]) => ({ key, value })) };
}

/** Of TagSpecification for this kind of thing, and no other. */
export function tagsAsked(call: Call, resourceType: string): Map<string, string> {
  const tags = new Map<string, string>();
  for (const specification of itemsOf(call.params, "TagSpecification")) {
    const type = textOf(specification, "ResourceType");
    if (type !== resourceType) throw new AwsRefusal("InvalidParameterValue", `'${type}' is not a valid taggable resource type for this operation.`);
    for (const tag of itemsOf(specification, "Tag")) {
      const key = textOf(tag, "Key") ?? "";
      if (key === "" || key.length > 127) throw new AwsRefusal("InvalidParameterValue", `Tag key ${JSON.stringify(key)} is not 1 to 127 characters long`);
      if (key.toLowerCase().startsWith("aws:")) throw new AwsRefusal("InvalidParameterValue", "Tag keys starting with 'aws:' are reserved for internal use");
      if (tags.has(key)) throw new AwsRefusal("InvalidParameterValue", `Duplicate tag key '${key}' specified.`);
      tags.set(key, textOf(tag, "Value") ?? "");
    }
  }
  if (tags.size > 50) throw new AwsRefusal("TagLimitExceeded", "The maximum number of tags for a resource has been reached.");
  return tags;
}
