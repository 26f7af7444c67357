import { afterEach, beforeEach, expect, test } from "vitest";
import { rooms, roomsFor } from "../../../collectors/aws/rooms.ts";
import { kinds } from "../../../src/core/kind.ts";
import { type DiskRig, openDiskRig } from "./disk-rig.ts";

let rig: DiskRig;
beforeEach(async () => {
  rig = await openDiskRig();
});
afterEach(() => rig.close());

type Asked = Parameters<typeof roomsFor>[0];

/** What is not loaded for such a wish. */
function leftOut(wish: Asked): readonly string[] {
  const asked = roomsFor(wish);
  return Object.entries(rooms).flatMap(([name, open]) => (asked.includes(open) ? [] : [name]));
}

test.for(kinds)("a room that is not loaded for --kind %s would have planned nothing", async (kind) => {
  const wish = { kinds: [kind], logs: [], contain: null };
  expect(leftOut(wish).length).toBeGreaterThan(0);
  expect((await rig.plan(leftOut(wish), wish)).steps).toEqual([]);
});

test("where no kind is named every room is asked, but that of containment, which is asked for by itself", () => {
  expect(leftOut({ kinds: null, logs: [], contain: null })).toEqual(["contain"]);
  expect(leftOut({ kinds: null, logs: [], contain: { when: "now", network: true, identity: false, users: [] } })).toEqual([]);
  expect(leftOut({ kinds: ["memory"], logs: ["arn:aws:s3:::logs"], contain: null })).not.toContain("access-logs"); // the name is checked there
});
