import type { Aws } from "../aws.ts";
import type { Output } from "../client/link.ts";
import type { Look } from "../look.ts";
import { wordsOf } from "../client/refused.ts";

type Types = Pick<Output<"ec2:DescribeInstanceTypes">, "InstanceTypes">;

/** The disks of the host itself, in words, as the plan says them; null where the type has none. */
export async function instanceStore(aws: Aws, { instance }: Pick<Look, "instance">, signal: AbortSignal): Promise<string | null> {
  const type = instance.InstanceType;
  if (type === undefined) return null;
  const answer = await aws.link.ask("source", null, "ec2:DescribeInstanceTypes", { InstanceTypes: [type] }, signal);
  if (answer.kind === "refused") return `whether ${type} has instance store could not be asked (${wordsOf(answer)}); if it has, it is in no snapshot`;
  return storeText(type, answer.value);
}

/** DescribeInstances does not show them and no snapshot ever holds them: they are gone when the instance stops. */
export function storeText(type: string, { InstanceTypes: types }: Types): string | null {
  const info = types?.find(({ InstanceType }) => InstanceType === type);
  if (info?.InstanceStorageSupported !== true) return null;
  const disks = (info.InstanceStorageInfo?.Disks ?? []).map(({ Count, SizeInGB, Type }) => `${Count ?? 1} × ${SizeInGB ?? "?"} GB ${Type ?? ""}`.trim());
  return `instance store of ${type} (${disks.join(", ") || "size not said"}) is in no snapshot: it is lost when the instance stops, and a tool in the guest is the only way to it`;
}
