import { attachVolume, newImage, newInstance, newVolume } from "../../clouds/aws/ec2-made.ts";
import { type Ec2Instance, type Ec2World, ec2World } from "../../clouds/aws/ec2-world.ts";
import { home } from "./link-rig.ts";

export const region = "eu-west-1";
const place = { account: home, region };
const born = new Date("2026-01-01T00:00:00.000Z");
export const planted = {
  instance: "i-0123456789abcdef0",
  vpc: "vpc-0123456789abcdef0",
  subnets: ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
  interfaces: ["eni-0123456789abcdef0", "eni-0123456789abcdef1"],
  groups: ["sg-0123456789abcdef0", "sg-0123456789abcdef1"],
  volumes: ["vol-0123456789abcdef0", "vol-0123456789abcdef1"],
  profile: "web",
} as const;

/** A web server with two interfaces in two subnets, the second with IPv6 too, two volumes, and an instance profile. */
export function plantedWorld(over: Partial<Ec2Instance> = {}): { readonly world: Ec2World; readonly instance: Ec2Instance } {
  const world = ec2World();
  const { network } = world;
  const [subnet = "", other = ""] = planted.subnets;
  const instance = newInstance({ ...place, id: planted.instance, vpc: planted.vpc, subnet, tags: new Map([["Name", "web\u202e1"]]), ...over });
  world.instances.push(instance);
  world.images.push(newImage({ id: instance.imageId, region, snapshot: "snap-0123456789abcdef0" }));
  for (const [i, id] of planted.volumes.entries()) {
    const volume = newVolume({ ...place, id });
    world.volumes.push(volume);
    attachVolume(instance, volume, i === 0 ? "/dev/xvda" : "/dev/sdf", i === 0);
  }
  network.vpcs.push({ ...place, id: planted.vpc, cidr: "10.0.0.0/16", ipv6Cidr: "2001:db8::/56", isDefault: false });
  for (const [i, id] of [subnet, other].entries())
    network.subnets.push({ ...place, id, vpc: planted.vpc, cidr: `10.0.${i}.0/24`, zone: `${region}a`, mapPublicIp: false, tags: new Map() });
  for (const [i, id] of planted.groups.entries())
    network.groups.push({
      ...place,
      id,
      name: `group-${i}`,
      description: "planted",
      vpc: planted.vpc,
      rules: [
        {
          id: `sgr-0123456789abcdef${i}`,
          egress: false,
          protocol: "tcp",
          from: 443,
          to: 443,
          peer: i === 0 ? { kind: "ipv4", cidr: "0.0.0.0/0" } : { kind: "ipv6", cidr: "::/0" },
          description: null,
          tags: new Map(),
        },
      ],
      tags: new Map(),
    });
  for (const [i, id] of planted.interfaces.entries())
    network.interfaces.push({
      ...place,
      id,
      subnet: planted.subnets[i] ?? "",
      vpc: planted.vpc,
      description: "",
      mac: `02:00:00:00:00:0${i}`,
      privateAddresses: [`10.0.${i}.10`],
      ipv6Addresses: i === 0 ? [] : ["2001:db8::10"],
      publicAddress: i === 0 ? "198.51.100.7" : null,
      groups: [planted.groups[i] ?? ""],
      attachment: { id: `eni-attach-0123456789abcdef${i}`, instance: planted.instance, deviceIndex: i, at: born, deleteOnTermination: true },
      sourceDestCheck: true,
      managed: null,
      tracking: null,
      tags: new Map(),
    });
  network.routeTables.push({
    ...place,
    id: "rtb-0123456789abcdef0",
    vpc: planted.vpc,
    associations: [{ id: "rtbassoc-0123456789abcdef0", subnet: null }],
    routes: [{ destination: "10.0.0.0/16", target: { name: "gatewayId", id: "local" }, state: "active", origin: "CreateRouteTable" }],
    tags: new Map(),
  });
  network.networkAcls.push({
    ...place,
    id: "acl-0123456789abcdef0",
    vpc: planted.vpc,
    isDefault: true,
    associations: planted.subnets.map((id, i) => ({ id: `aclassoc-0123456789abcdef${i}`, subnet: id })),
    entries: [{ number: 100, egress: false, protocol: "-1", action: "allow", cidr: "0.0.0.0/0" }],
    tags: new Map(),
  });
  network.profileAssociations.push({
    ...place,
    id: "iip-assoc-0123456789abcdef0",
    instance: planted.instance,
    profileArn: `arn:aws:iam::${home}:instance-profile/${planted.profile}`,
    state: "associated",
    at: born,
    waits: 0,
  });
  return { world, instance };
}
