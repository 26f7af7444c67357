import { archive } from "../../../src/stream/archive.ts";
import { postureCallNames } from "./posture.ts";
import { rank, type Room, stepOf } from "../room.ts";
import { stateCallNames, stateCalls } from "./calls.ts";
import { stateEntries } from "./entries.ts";

/** What AWS's API says of the instance and of how its account logs: the wire bytes of every answer, as one archive. */
export const stateRoom: Room = {
  async plan(_aws, _look, { kinds }) {
    if (kinds !== null && !kinds.includes("state")) return [];
    return [
      stepOf({
        room: "state",
        id: "state",
        does: "exhibit",
        kind: "state",
        lane: "first",
        title: "State of the instance as AWS's API tells it",
        rank: rank.state,
        calls: [...stateCallNames, ...postureCallNames],
        seconds: 30,
      }),
    ];
  },
  async open(aws) {
    const notes: string[] = [];
    const note = (text: string): void => {
      if (!notes.includes(text)) notes.push(text);
    };
    const source = archive({
      name: "state.tar",
      clock: aws.clock,
      entries: (lines, signal) => stateEntries(aws, stateCalls(aws, note), lines, signal),
      asked: null,
      nothing: { outcome: "unavailable", detail: "AWS's API told nothing of the instance" },
      covered: (read) => read,
      remark: () => (notes.length === 0 ? null : notes.join("; ")),
    });
    return { kind: "source", source };
  },
};
