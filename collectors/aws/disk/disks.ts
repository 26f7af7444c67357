import { HoldfastError } from "../../../src/core/error.ts";
import type { Kind } from "../../../src/core/kind.ts";
import type { Wish } from "../../../src/core/plan.ts";
import { printable } from "../../../src/core/printable.ts";
import type { Look } from "../look.ts";

/** An EBS volume of the instance. Size and key are null where ec2:DescribeVolumes was refused. */
export type Disk = {
  readonly volume: string;
  /** As the account named it; printable. */
  readonly device: string;
  readonly sizeGiB: number | null;
  readonly kmsKey: string | null;
  /** Other instances that it is attached to at the same time, and that may write to it. */
  readonly others: readonly string[];
};

/** All attached EBS volumes, from what may be seen: the instance itself names them where volumes may not be described. */
export function disksOf({ instance, volumes }: Pick<Look, "instance" | "volumes">): readonly Disk[] {
  const mapped = (instance.BlockDeviceMappings ?? []).flatMap(({ DeviceName, Ebs }) =>
    Ebs?.VolumeId === undefined ? [] : [{ volume: Ebs.VolumeId, device: printable(DeviceName ?? "no device"), sizeGiB: null, kmsKey: null, others: [] }],
  );
  if (volumes === null) return mapped;
  const seen = volumes.flatMap(({ VolumeId, Attachments = [], Size, KmsKeyId }): readonly Disk[] => {
    if (VolumeId === undefined) return [];
    const own = Attachments.find(({ InstanceId }) => InstanceId === instance.InstanceId);
    const others = Attachments.flatMap(({ InstanceId }) => (InstanceId === undefined || InstanceId === instance.InstanceId ? [] : [InstanceId]));
    return [{ volume: VolumeId, device: printable(own?.Device ?? "no device"), sizeGiB: Size ?? null, kmsKey: KmsKeyId ?? null, others }];
  });
  const order = mapped.map(({ volume }) => volume);
  // The root device first, as the instance lists them; what it does not list (yet) at the end.
  return seen.toSorted((a, b) => place(order, a.volume) - place(order, b.volume));
}

function place(order: readonly string[], volume: string): number {
  const at = order.indexOf(volume);
  return at < 0 ? order.length : at;
}

const onlyByName: readonly Kind[] = ["disk-image", "capture", "services"];

export function wants(wish: Wish, kind: Kind): boolean {
  return wish.kinds === null ? !onlyByName.includes(kind) : wish.kinds.includes(kind);
}

/** Images are made from locked snapshots: who asks for the one gets the other. */
export function wantsSnapshots(wish: Wish): boolean {
  return wants(wish, "disk") || wants(wish, "disk-image");
}

/** What `--disk` leaves of them, by volume id or device name. Throws `usage` for a name that is none of them. */
export function namedDisks(disks: readonly Disk[], wish: Wish): readonly Disk[] {
  if (wish.disks.length === 0) return disks;
  if (!wants(wish, "disk-image"))
    throw new HoldfastError(
      "usage",
      "--disk names the volumes to take raw images of; add disk-image to --kind (snapshots are always of all volumes, at one moment)",
    );
  for (const name of wish.disks)
    if (!disks.some((disk) => isNamed(disk, name))) {
      const known = disks.map(({ volume, device }) => `${volume} (${device})`).join(", ");
      throw new HoldfastError("usage", `--disk ${printable(name)}: the instance has no such volume or device; it has ${known || "no EBS volumes"}`);
    }
  return disks.filter((disk) => wish.disks.some((name) => isNamed(disk, name)));
}

function isNamed({ volume, device }: Disk, name: string): boolean {
  return name === volume || printable(name) === device;
}

/** `vol-… (/dev/sda1, 8 GiB)` */
export function diskText({ volume, device, sizeGiB }: Pick<Disk, "volume" | "device" | "sizeGiB">): string {
  return `${volume} (${device}${sizeGiB === null ? "" : `, ${sizeGiB} GiB`})`;
}
