/**
 * The vendor's own models (botocore's service-2.json). They are no part of the project: looked for under HOLDFAST_SPECS, else
 * ../shared/specs beside the project; those of services that lie not there, in the botocore of the test cache's venv.
 */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { specsFolder } from "../s3-model.ts";
import { cacheDirectory } from "../setup.ts";

export type Reference = {
  readonly shape: string;
  readonly location?: string;
  readonly locationName?: string;
  readonly queryName?: string;
};
export type Shape = {
  readonly type: string;
  readonly members?: Readonly<Record<string, Reference>>;
  readonly member?: Reference;
  readonly key?: Reference;
  readonly value?: Reference;
  readonly required?: readonly string[];
  readonly enum?: readonly string[];
  readonly min?: number;
  readonly max?: number;
  readonly pattern?: string;
  readonly payload?: string;
  readonly flattened?: boolean;
  readonly timestampFormat?: string;
  readonly exception?: boolean;
  readonly error?: { readonly httpStatusCode?: number; readonly code?: string };
};
type ModelOperation = {
  readonly http: { readonly method: string; readonly requestUri: string };
  readonly input?: Reference;
  readonly output?: Reference & { readonly resultWrapper?: string };
  readonly errors?: readonly Reference[];
};
export type Model = {
  readonly metadata: { readonly apiVersion: string; readonly protocol: string; readonly targetPrefix?: string; readonly xmlNamespace?: string };
  readonly operations: Readonly<Record<string, ModelOperation>>;
  readonly shapes: Readonly<Record<string, Shape>>;
};

/** Folder names where they are not the name that signs. */
const folders: Readonly<Record<string, string>> = { elasticloadbalancing: "elbv2" };

/** Services whose model the specifications do not hold; without the venv they stay unvalidated, by name. */
export const venvOnly: ReadonlySet<string> = new Set(["iam", "autoscaling", "elasticloadbalancing"]);

const loaded = new Map<string, Promise<Model | null>>();

/** null where the model is not there. */
export function loadModel(service: string): Promise<Model | null> {
  const known = loaded.get(service) ?? find(folders[service] ?? service);
  loaded.set(service, known);
  return known;
}

/** Those of the services that no model is there for: tests that need them are skipped by this name. */
export async function modelsMissing(services: readonly string[]): Promise<readonly string[]> {
  const models = await Promise.all(services.map(loadModel));
  return services.filter((_, i) => models[i] === null);
}

async function find(folder: string): Promise<Model | null> {
  const roots = [join(specsFolder(process.env), "aws", "botocore-1.44.5"), ...(await venvData())];
  for (const root of roots) {
    const versions = await names(join(root, folder));
    const newest = versions.sort().at(-1);
    if (newest === undefined) continue;
    for (const file of ["service-2.json.gz", "service-2.json"]) {
      const bytes = await readFile(join(root, folder, newest, file)).catch(() => null);
      if (bytes === null) continue;
      const model: unknown = JSON.parse((file.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString("utf8"));
      if (!isModel(model)) throw new TypeError(`${folder}/${newest}/${file} is not a botocore service model`);
      return model;
    }
  }
  return null;
}

async function venvData(): Promise<readonly string[]> {
  const lib = join(cacheDirectory(process.env), "venv", "lib");
  return (await names(lib)).map((python) => join(lib, python, "site-packages", "botocore", "data"));
}

async function names(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => []);
}

function isModel(value: unknown): value is Model {
  return typeof value === "object" && value !== null && "operations" in value && "shapes" in value && "metadata" in value;
}
