import { escapeXml } from "../s3-fake-xml.ts";

/** An array repeats its element (`{ snapshotSet: { item: [a, b] } }`); null and undefined leave the element out. */
export type XmlLeaf = string | number | boolean | Date;
export type XmlObject = { readonly [name: string]: XmlContent };
type XmlContent = XmlLeaf | XmlObject | null | undefined | readonly (XmlLeaf | XmlObject)[];

export function writeXml(name: string, value: XmlContent, attributes = ""): string {
  if (value === null || value === undefined) return "";
  if (Array.isArray(value)) return value.map((item: XmlLeaf | XmlObject) => writeXml(name, item)).join("");
  return `<${name}${attributes}>${inner(value)}</${name}>`;
}

function inner(value: XmlContent): string {
  if (value instanceof Date) return value.toISOString();
  if (typeof value !== "object" || value === null) return escapeXml(String(value));
  return Object.entries(value)
    .map(([child, content]) => writeXml(child, content))
    .join("");
}
