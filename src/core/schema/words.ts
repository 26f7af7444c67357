/** Small words to write JSON Schemas (draft 2020-12) with. */
export type JsonSchema = { readonly [key: string]: unknown };

export const text: JsonSchema = { type: "string" };
export const digits: JsonSchema = { type: "string", pattern: "^[0-9]+$" };
export const hex: JsonSchema = { type: "string", pattern: "^[0-9a-f]{64}$" };
export const base64: JsonSchema = { type: "string", pattern: "^[A-Za-z0-9+/]*={0,2}$" };
export const time: JsonSchema = { type: "string", format: "date-time" };
export const flag: JsonSchema = { type: "boolean" };
export const count: JsonSchema = { type: "integer", minimum: 0 };

export function orNull(schema: JsonSchema): JsonSchema {
  return { anyOf: [schema, { type: "null" }] };
}

export function listOf(items: JsonSchema): JsonSchema {
  return { type: "array", items };
}

export function choice(...values: readonly string[]): JsonSchema {
  return { enum: values };
}

/** Every property is required and always there; contract.md says that fields may be added, so more are allowed. */
export function objectOf(properties: Readonly<Record<string, JsonSchema>>): JsonSchema {
  return { type: "object", properties, required: Object.keys(properties) };
}

export function documentOf(name: string, properties: Readonly<Record<string, JsonSchema>>): JsonSchema {
  const schema = objectOf({ schema: { const: `holdfast.${name}/1` }, ...properties });
  return { $schema: "https://json-schema.org/draft/2020-12/schema", $id: `urn:holdfast:schema:${name}:1`, title: `holdfast.${name}/1`, ...schema };
}
