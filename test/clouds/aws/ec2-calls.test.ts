import { expect, test } from "vitest";
import { calls } from "../../../collectors/aws/calls/calls.ts";
import { ebsService } from "./ebs.ts";
import { ebsWorld, snapshotsOf } from "./ebs-world.ts";
import { ec2Service } from "./ec2.ts";
import { ec2World } from "./ec2-world.ts";

test("the stand-in has every call of EC2 and of EBS direct that the collector may make", () => {
  const world = ec2World();
  const services = [ec2Service(world), ebsService(ebsWorld(snapshotsOf(world)))];
  const known = new Set(services.flatMap(({ name, operations }) => Object.keys(operations).map((operation) => `${name}:${operation}`)));
  const asked = Object.keys(calls).filter((name) => /^(ec2|ebs):/.test(name));
  expect(asked.length).toBeGreaterThan(30);
  expect(asked.filter((name) => !known.has(name))).toEqual([]);
});
