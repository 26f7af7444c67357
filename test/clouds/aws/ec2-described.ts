import { type Filterable, listed, matches } from "./ec2-listing.ts";
import type { Ec2World } from "./ec2-world.ts";
import { numberOf, textsOf } from "./params.ts";
import { AwsRefusal, type Call, type Reply } from "./service.ts";
import type { XmlObject } from "./wire-xml.ts";

/** What a Describe call of the network knows of. */
type Listing<T> = {
  readonly all: readonly T[];
  /** The element that holds the list: `networkInterfaceSet`. */
  readonly set: string;
  readonly show: (one: T) => XmlObject;
  readonly ids: { readonly parameter: string; readonly of: (one: T) => string; readonly missing: (id: string) => AwsRefusal };
  readonly fields: (one: T) => Filterable["fields"];
  readonly tags: (one: T) => ReadonlyMap<string, string>;
  /** MaxResults; 5 to 1,000 unless said. A larger one is refused where `most` is named, else cut down. */
  readonly least?: number;
  readonly most?: number;
};

/** By ids, through filters, one page of it. An id that is not there refuses the whole call. */
export function described<T>(world: Ec2World, call: Call, { all, set, show, ids, fields, tags, least = 5, most }: Listing<T>): Reply {
  const asked = numberOf(call.params, "MaxResults");
  if (asked !== null && most !== undefined && asked > most)
    throw new AwsRefusal("InvalidParameterValue", `Value ( ${asked} ) for parameter maxResults is invalid. Expecting a value less than or equal to ${most}.`);
  const known = new Map(all.map((one) => [ids.of(one), one]));
  const named = textsOf(call.params, ids.parameter).map((id) => {
    const one = known.get(id);
    if (one === undefined) throw ids.missing(id);
    return one;
  });
  const left = (named.length === 0 ? all : named).filter((one) => matches(call, { fields: fields(one), tags: tags(one) }));
  const { items, next } = listed(world, call, left, { least, alone: ids.parameter });
  return { xml: { [set]: { item: items.map(show) }, nextToken: next } };
}
