import type { Service } from "./service.ts";

/** Paths with `{name}` parts, as the vendor writes them, each for its operation. */
export function routesOf(table: readonly (readonly [method: string, path: string, operation: string])[]): NonNullable<Service["route"]> {
  const routes = table.map(([method, path, operation]) => ({ method, operation, parts: path.split("/") }));
  return (method, path) => {
    const parts = path.split("/");
    for (const route of routes) {
      if (route.method !== method || route.parts.length !== parts.length) continue;
      const names: Record<string, string> = {};
      const fits = route.parts.every((part, i) => {
        const given = parts[i] ?? "";
        const name = /^\{(\w+)\}$/.exec(part)?.[1];
        if (name === undefined) return part === given;
        names[name] = decodeURIComponent(given);
        return given !== "";
      });
      if (fits) return { operation: route.operation, names };
    }
    return null;
  };
}
