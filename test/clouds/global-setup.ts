import type { TestProject } from "vitest/node";
import { startServer, type Server, type ServerInfo, type ServerName, serverNames } from "./servers.ts";
import { cacheDirectory, setUp, type ToolName, toolLine } from "./setup.ts";

/** What the server tier finds by `inject("servers")`: each server, or why there is none. */
export type ServerReport = Readonly<Record<ServerName, { readonly kind: "up"; readonly server: ServerInfo } | { readonly kind: "none"; readonly why: string }>>;

declare module "vitest" {
  interface ProvidedContext {
    servers: ServerReport;
    toolCache: string;
  }
}

const needs: Readonly<Record<ServerName, ToolName | null>> = { minio: "minio", versitygw: "versitygw", s3rver: null, moto: "venv" };

/** In CI a server that cannot be had is a failure; elsewhere its tests are skipped by name. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const cache = cacheDirectory(process.env);
  const tools = await setUp(cache);
  const running: Server[] = [];
  const report: Partial<Record<ServerName, ServerReport[ServerName]>> = {};
  for (const name of serverNames) {
    const tool = tools.find((t) => t.name === needs[name]);
    report[name] = tool?.kind === "missing" ? { kind: "none", why: tool.why } : await start(name, cache, running);
  }
  const stop = async (): Promise<void> => {
    await Promise.all(running.map((server) => server.stop()));
  };
  const whole = complete(report);
  const missing = [
    ...tools.filter((t) => t.kind === "missing" && !Object.values(needs).includes(t.name)).map((t) => toolLine(t)),
    ...serverNames.flatMap((name) => (whole[name].kind === "none" ? [`${name}: ${whole[name].why}`] : [])),
  ];
  if (missing.length > 0 && process.env["CI"] !== undefined && process.env["CI"] !== "") {
    await stop();
    throw new Error(`the server tier is not whole: ${missing.join("; ")}`);
  }
  console.log(`servers: ${running.map((s) => `${s.name} ${s.version}`).join(", ")}`);
  for (const line of missing) console.log(`NOT PROVEN, its tests are skipped: ${line}`);
  project.provide("servers", whole);
  project.provide("toolCache", cache);
  return stop;
}

async function start(name: ServerName, cache: string, running: Server[]): Promise<ServerReport[ServerName]> {
  try {
    const server = await startServer(name, cache);
    running.push(server);
    const { stop: _, ...info } = server;
    return { kind: "up", server: info };
  } catch (error) {
    return { kind: "none", why: error instanceof Error ? error.message : String(error) };
  }
}

function complete(report: Partial<Record<ServerName, ServerReport[ServerName]>>): ServerReport {
  const none = { kind: "none", why: "not started" } as const;
  return { minio: report.minio ?? none, versitygw: report.versitygw ?? none, s3rver: report.s3rver ?? none, moto: report.moto ?? none };
}
