/** Just enough XML for S3: elements and text. Attributes are read over, entities are the five of XML and character references. */
export type XmlNode = { readonly name: string; readonly text: string; readonly children: readonly XmlNode[] };

/** A value to write: text, nested elements, or null for an element that is left out. */
export type XmlValue = string | number | boolean | Date | null | readonly (readonly [string, XmlValue])[];

const entities: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

export function parseXml(source: string): XmlNode {
  const token = /<\?.*?\?>|<!--.*?-->|<\/([^\s>]+)\s*>|<([^\s/>]+)([^>]*?)(\/?)>|([^<]+)/gsy;
  type Open = { name: string; text: string; children: XmlNode[] };
  const root: Open = { name: "", text: "", children: [] };
  const stack: Open[] = [root];
  let at = 0;
  for (const match of source.matchAll(token)) {
    at = match.index + match[0].length;
    const [, closing, opening, , empty, text] = match;
    const top = stack.at(-1) ?? root;
    if (text !== undefined) top.text += unescapeXml(text);
    else if (opening !== undefined) {
      const node: Open = { name: opening, text: "", children: [] };
      top.children.push(node);
      if (empty !== "/") stack.push(node);
    } else if (closing !== undefined) {
      if (stack.length < 2 || top.name !== closing) throw new SyntaxError(`</${closing}> does not close <${top.name}>`);
      stack.pop();
    }
  }
  const only = root.children[0];
  if (at < source.length || stack.length !== 1 || root.children.length !== 1 || only === undefined) throw new SyntaxError("not one well-formed XML document");
  return only;
}

function unescapeXml(text: string): string {
  return text.replace(/&(?:#x([0-9a-fA-F]+)|#(\d+)|([a-z]+));/g, (whole, hex?: string, decimal?: string, name?: string) => {
    if (hex !== undefined) return String.fromCodePoint(Number.parseInt(hex, 16));
    if (decimal !== undefined) return String.fromCodePoint(Number(decimal));
    return entities[name ?? ""] ?? whole;
  });
}

export function escapeXml(text: string): string {
  return text.replace(/[&<>"\p{Cc}]/gu, (c) =>
    c === "&" ? "&amp;" : c === "<" ? "&lt;" : c === ">" ? "&gt;" : c === '"' ? "&quot;" : `&#x${(c.codePointAt(0) ?? 0).toString(16)};`,
  );
}

/** Dates as S3 writes them in bodies: ISO 8601 with milliseconds. */
export function xmlDocument(root: string, value: XmlValue): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n${render(root, value, ' xmlns="http://s3.amazonaws.com/doc/2006-03-01/"')}`;
}

export function errorDocument(fields: readonly (readonly [string, XmlValue])[]): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n${render("Error", fields, "")}`;
}

function render(name: string, value: XmlValue, attributes: string): string {
  if (value === null) return "";
  let inner: string;
  if (value instanceof Date) inner = value.toISOString();
  else if (typeof value === "object") inner = value.map(([child, v]) => render(child, v, "")).join("");
  else inner = escapeXml(String(value));
  return `<${name}${attributes}>${inner}</${name}>`;
}

export function childText(node: XmlNode, name: string): string | null {
  return node.children.find((c) => c.name === name)?.text ?? null;
}
