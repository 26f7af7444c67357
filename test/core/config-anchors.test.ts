import { describe, expect, test } from "vitest";
import { parseConfig } from "../../src/core/config.ts";

const vkey = "witness.example/w1+8d942590+BHahWSBEpuT1ESZbynOmBNkLBSnR32Ar4woZqSV2YNH1";
const other = "witness.example/w2+00000000+BHahWSBEpuT1ESZbynOmBNkLBSnR32Ar4woZqSV2YNH2";
const third = "witness.example/w3+00000000+BHahWSBEpuT1ESZbynOmBNkLBSnR32Ar4woZqSV2YNH3";
const w = (name: string, key: string): object => ({ name, url: `http://127.0.0.1/${name}`, vkey: key });
const anchors = (value: unknown): ReturnType<typeof parseConfig>["anchors"] => parseConfig({ anchors: value }).anchors;

describe("the anchors of the configuration", () => {
  test("are none where none are named", () => {
    expect(parseConfig({}).anchors).toEqual({ worm: null, witnesses: [], timestamp: [], quorum: 0 });
  });

  test("need more than half of the witnesses unless it is said", () => {
    expect(anchors({ witnesses: [w("a", vkey)] }).quorum).toBe(1);
    expect(anchors({ witnesses: [w("a", vkey), w("b", other)] }).quorum).toBe(2);
    expect(anchors({ witnesses: [w("a", vkey), w("b", other), w("c", third)] }).quorum).toBe(2);
    expect(anchors({ witnesses: [w("a", vkey), w("b", other)], quorum: 1 }).quorum).toBe(1);
  });

  test("name authorities with their roots", () => {
    const timestamp = [{ name: "tsa", url: "https://tsa.example/ts", ca: "./ca.pem" }];
    expect(anchors({ timestamp }).timestamp).toEqual([{ name: "tsa", url: "https://tsa.example/ts", ca: "./ca.pem", policy: null }]);
  });

  test.for<[unknown, RegExp]>([
    [{ witness: [] }, /anchors\.witness: unknown key; did you mean witnesses/],
    [{ witnesses: [{ name: "a", url: "http://h" }] }, /anchors\.witnesses\[0\]\.vkey: expected a text/],
    [{ witnesses: [w("a", "no key")] }, /anchors\.witnesses\[0\]\.vkey: expected NAME/],
    [{ witnesses: [w("a", vkey), w("a", other)] }, /anchors\.witnesses\[1\]\.name: a is taken/],
    [{ witnesses: [w("a", vkey), w("b", vkey)] }, /anchors\.witnesses\[1\]\.vkey: this key is that of a; a witness counts once/],
    [{ witnesses: [{ ...w("a", vkey), url: "ftp://h" }] }, /anchors\.witnesses\[0\]\.url: "ftp:\/\/h" is not a URL/],
    [{ witnesses: [{ ...w("a", vkey), url: "http://me:secret@h" }] }, /credentials do not belong/],
    [{ witnesses: [w("a b", vkey)] }, /anchors\.witnesses\[0\]\.name: use 1 to 64/],
    [{ witnesses: [w("a", vkey)], quorum: 2 }, /anchors\.quorum: expected a number from 1 to 1/],
    [{ quorum: 1 }, /anchors\.quorum/],
    [{ timestamp: [{ name: "t", url: "http://h" }] }, /anchors\.timestamp\[0\]\.ca/],
    [{ timestamp: [{ name: "t", url: "http://h", ca: "c", policy: "x" }] }, /anchors\.timestamp\[0\]\.policy/],
    [{ worm: "main" }, /anchors\.worm: there is no vault "main"/],
  ])("%j are refused by name", ([value, message]) => {
    expect(() => anchors(value)).toThrow(message);
  });
});
