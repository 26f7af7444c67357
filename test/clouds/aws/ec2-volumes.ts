/** Volumes, and what else EC2 tells of where an instance came from: its image, its tags, how it would be launched again. */
import { described } from "./ec2-described.ts";
import { interfacesOf } from "./ec2-instance-shown.ts";
import { instanceNamed } from "./ec2-instances.ts";
import { shownTags } from "./ec2-listing.ts";
import { here } from "./ec2-network-world.ts";
import { type Ec2Operation, wellDone } from "./ec2-operation.ts";
import type { Ec2Image, Ec2Instance, Ec2Volume, Ec2World } from "./ec2-world.ts";
import { requiredText, textsOf } from "./params.ts";
import { AwsRefusal, type Call, type Reply } from "./service.ts";
import type { XmlObject } from "./wire-xml.ts";

export function volumeOperations(world: Ec2World): Readonly<Record<string, Ec2Operation>> {
  return {
    DescribeVolumes: (call) => describeVolumes(world, call),
    DeleteVolume: (call) => deleteVolume(world, call),
    DescribeImages: (call) => describeImages(world, call),
    GetLaunchTemplateData: (call) => launchTemplateData(world, instanceNamed(world, call, requiredText(call.params, "InstanceId"))),
  };
}

type Attachment = { readonly instance: Ec2Instance; readonly mapping: Ec2Instance["mappings"][number] };

function attachmentsOf(world: Ec2World, volume: Ec2Volume): readonly Attachment[] {
  return world.instances.flatMap((instance) => instance.mappings.filter((one) => one.volume === volume.id).map((mapping) => ({ instance, mapping })));
}

function noVolume(id: string): AwsRefusal {
  return new AwsRefusal("InvalidVolume.NotFound", `The volume '${id}' does not exist.`);
}

function describeVolumes(world: Ec2World, call: Call): Reply {
  return described(world, call, {
    all: here(world.volumes, call),
    set: "volumeSet",
    show: (volume) => shownVolume(world, volume),
    ids: { parameter: "VolumeId", of: ({ id }) => id, missing: noVolume },
    fields: (volume) => {
      const attachments = attachmentsOf(world, volume);
      return {
        "volume-id": [volume.id],
        "attachment.instance-id": attachments.map(({ instance }) => instance.id),
        "attachment.device": attachments.map(({ mapping }) => mapping.device),
        "attachment.delete-on-termination": attachments.map(({ mapping }) => String(mapping.deleteOnTermination)),
        status: [attachments.length > 0 ? "in-use" : "available"],
        encrypted: [String(volume.kmsKeyId !== null)],
        "availability-zone": [volume.zone],
        "snapshot-id": [volume.sourceSnapshot ?? ""],
      };
    },
    tags: ({ tags }) => tags,
  });
}

function shownVolume(world: Ec2World, volume: Ec2Volume): XmlObject {
  const attachments = attachmentsOf(world, volume);
  return {
    volumeId: volume.id,
    size: volume.sizeGiB,
    snapshotId: volume.sourceSnapshot ?? "",
    availabilityZone: volume.zone,
    status: attachments.length > 0 ? "in-use" : "available",
    createTime: volume.created,
    attachmentSet: {
      item: attachments.map(({ instance, mapping }) => ({
        volumeId: volume.id,
        instanceId: instance.id,
        device: mapping.device,
        status: "attached",
        attachTime: mapping.attached,
        deleteOnTermination: mapping.deleteOnTermination,
      })),
    },
    tagSet: shownTags(volume.tags),
    volumeType: volume.type,
    iops: 3000,
    encrypted: volume.kmsKeyId !== null,
    kmsKeyId: volume.kmsKeyId,
    multiAttachEnabled: volume.multiAttach,
  };
}

function deleteVolume(world: Ec2World, call: Call): () => Reply {
  const id = requiredText(call.params, "VolumeId");
  const volume = here(world.volumes, call).find((one) => one.id === id);
  if (volume === undefined) throw noVolume(id);
  const [attached] = attachmentsOf(world, volume);
  if (attached !== undefined) throw new AwsRefusal("VolumeInUse", `Volume ${id} is currently attached to ${attached.instance.id}`);
  return () => {
    world.volumes.splice(world.volumes.indexOf(volume), 1);
    return wellDone;
  };
}

function describeImages(world: Ec2World, call: Call): Reply {
  const owners = textsOf(call.params, "Owner").map((owner) => (owner === "self" ? call.account : owner));
  const seen = world.images.filter((one) => one.region === call.region && (one.public || one.account === call.account));
  return described(world, call, {
    all: seen.filter((one) => owners.length === 0 || owners.includes(one.account)),
    set: "imagesSet",
    show: shownImage,
    ids: { parameter: "ImageId", of: ({ id }) => id, missing: (id) => new AwsRefusal("InvalidAMIID.NotFound", `The image id '[${id}]' does not exist`) },
    fields: (one) => ({ "image-id": [one.id], name: [one.name], "owner-id": [one.account], architecture: [one.architecture] }),
    tags: () => new Map(),
  });
}

function shownImage(image: Ec2Image): XmlObject {
  return {
    imageId: image.id,
    imageLocation: `${image.account}/${image.name}`,
    imageState: "available",
    imageOwnerId: image.account,
    creationDate: image.created.toISOString(),
    isPublic: image.public,
    architecture: image.architecture,
    imageType: "machine",
    platform: image.platform === "windows" ? "Windows" : null,
    platformDetails: image.platform === "windows" ? "Windows" : "Linux/UNIX",
    name: image.name,
    rootDeviceName: image.rootDevice,
    rootDeviceType: "ebs",
    blockDeviceMapping: {
      item: { deviceName: image.rootDevice, ebs: { snapshotId: image.snapshot, volumeSize: image.sizeGiB, deleteOnTermination: true, encrypted: false } },
    },
    virtualizationType: "hvm",
    hypervisor: "xen",
    enaSupport: true,
  };
}

function launchTemplateData(world: Ec2World, instance: Ec2Instance): Reply {
  const association = here(world.network.profileAssociations, instance).find((one) => one.instance === instance.id && one.state === "associated");
  const volumes = new Map(world.volumes.map((volume) => [volume.id, volume]));
  const launchTemplateData: XmlObject = {
    ebsOptimized: false,
    iamInstanceProfile: association === undefined ? null : { arn: association.profileArn },
    blockDeviceMappingSet: {
      item: instance.mappings.map(({ device, volume, deleteOnTermination }) => ({
        deviceName: device,
        ebs: {
          encrypted: volumes.get(volume)?.kmsKeyId != null,
          deleteOnTermination,
          snapshotId: volumes.get(volume)?.sourceSnapshot,
          volumeSize: volumes.get(volume)?.sizeGiB,
          volumeType: volumes.get(volume)?.type,
        },
      })),
    },
    networkInterfaceSet: {
      item: interfacesOf(world, instance).map((one) => ({
        deleteOnTermination: one.attachment?.deleteOnTermination ?? false,
        description: one.description,
        deviceIndex: one.attachment?.deviceIndex ?? 0,
        groupSet: { groupId: one.groups },
        interfaceType: "interface",
        privateIpAddressesSet: { item: one.privateAddresses.map((privateIpAddress, i) => ({ primary: i === 0, privateIpAddress })) },
        subnetId: one.subnet,
      })),
    },
    imageId: instance.imageId,
    instanceType: instance.type,
    keyName: instance.keyName,
    monitoring: { enabled: false },
    placement: { availabilityZone: instance.zone, groupName: "", tenancy: "default" },
    disableApiTermination: instance.disableApiTermination,
    instanceInitiatedShutdownBehavior: instance.shutdownBehavior,
    userData: instance.userData === null ? null : Buffer.from(instance.userData).toString("base64"),
    tagSpecificationSet: instance.tags.size === 0 ? null : { item: { resourceType: "instance", tagSet: shownTags(instance.tags) } },
    metadataOptions: { httpTokens: instance.metadata.httpTokens, httpPutResponseHopLimit: instance.metadata.hopLimit, httpEndpoint: "enabled" },
    disableApiStop: instance.disableApiStop,
  };
  return { xml: { launchTemplateData } };
}
