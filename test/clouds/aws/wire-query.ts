import { AwsRefusal, type Params } from "./service.ts";

type Tree = { [name: string]: Tree | string };

/**
 * A form body as a tree: `Filter.1.Value.2=x` is Filter → 1 → Value → 2. The numbers stay, so that the validator can hold them
 * against the rule that they count from 1.
 */
export function formTree(body: string): Tree {
  const root: Tree = Object.create(null);
  for (const [path, value] of new URLSearchParams(body)) {
    const names = path.split(".");
    const last = names.pop() ?? "";
    let node = root;
    for (const name of names) {
      const next = node[name] ?? Object.create(null);
      if (typeof next === "string") throw new AwsRefusal("MalformedQueryString", `The query string contains ${path} beside a value of its beginning`);
      node[name] = next;
      node = next;
    }
    if (node[last] !== undefined) throw new AwsRefusal("MalformedQueryString", `The query string names ${path} twice`);
    node[last] = value;
  }
  return root;
}

/** The same for services: numbered children are arrays, and the `member` step of the query protocol is gone. */
export function formParams(tree: Tree): Params {
  return Object.fromEntries(Object.entries(tree).map(([name, value]) => [name, plain(value)]));
}

function plain(value: Tree | string): unknown {
  if (typeof value === "string") return value;
  const names = Object.keys(value);
  const member = value["member"];
  if (names.length === 1 && typeof member === "object") return plain(member);
  if (names.length > 0 && names.every((name) => /^\d+$/.test(name))) {
    return names.sort((a, b) => Number(a) - Number(b)).map((name) => plain(value[name] ?? ""));
  }
  return formParams(value);
}
