import type { CampaignEnd, CampaignWish } from "./campaign.ts";
import { makeOutsideRig, type OutsideRig, shell } from "./outside-rig.ts";

/**
 * Every program that nobody here wrote, on a fresh export and receipt and on the damaged twin: command, exit status, last line. Needs
 * the server tier's tools; one that is not there is a failure. `count` is how many notes the ledger has beside its acts.
 */
export async function outsideTools({ count, say }: CampaignWish): Promise<CampaignEnd> {
  await using rig = await makeOutsideRig(count);
  const failures: string[] = [];
  let asked = 0;
  for (const check of checksOf(rig)) {
    for (const [kind, files] of [
      ["good", check.good],
      ["damaged", check.damaged],
    ] as const) {
      const command = check.command(files);
      const { code, text } = await shell(command, rig.dir, check.env ?? {});
      const line =
        text
          .trimEnd()
          .split("\n")
          .findLast((one) => check.line.test(one)) ??
        text.trimEnd().split("\n").at(-1) ??
        "";
      // tessera's fsck says nothing with its status: its line of success is the answer.
      const accepted = check.byLine === true ? text.includes(check.accepts) : code === 0 && text.includes(check.accepts);
      asked += 1;
      say(`${check.tool}, ${kind}: ${accepted ? "ACCEPTED" : "REFUSED"}\n  $ ${command.replaceAll("\n", "\n    ")}\n  exit ${code}: ${line.slice(0, 220)}`);
      if (accepted !== (kind === "good"))
        failures.push(`${check.tool} ${accepted ? "accepted what is damaged" : "refused what is good"}: ${text.slice(0, 400)}`);
    }
  }
  return { summary: `outside tools: ${asked / 2} programs and forms, each asked about the good and the damaged`, failures };
}

type Check = {
  readonly tool: string;
  readonly good: string;
  readonly damaged: string;
  readonly command: (files: string) => string;
  readonly accepts: string;
  readonly line: RegExp;
  readonly byLine?: true;
  readonly env?: Readonly<Record<string, string>>;
};

function checksOf({ vkey, size, rootText, receipt, act, authority, inclusion, consistency, litewitness }: OutsideRig): readonly Check[] {
  const export_ = { good: "export", damaged: "damaged" };
  const any = /./;
  const folder = { good: receipt, damaged: "receipt-damaged" };
  return [
    {
      tool: "Go sumdb/note",
      ...export_,
      damaged: "damaged-head",
      command: (dir) => `foreign checkpoint '${vkey}' ${dir}/checkpoint`,
      accepts: "sumdb/note: accepted",
      line: any,
    },
    {
      tool: "Go sumdb/tlog (tiles)",
      ...export_,
      command: (dir) => `foreign tiles ${dir} ${size} ${rootText}`,
      accepts: "sumdb/tlog tiles: accepted",
      line: /refused|accepted/,
    },
    {
      tool: "Go sumdb/tlog, transparency-dev/merkle (inclusion)",
      good: inclusion,
      damaged: inclusion.replace(/ \S+$/, ` ${rootText}`),
      command: (args) => `foreign inclusion ${args}`,
      accepts: "transparency-dev/merkle: accepted",
      line: /accepted|refused/,
    },
    {
      tool: "Go sumdb/tlog, transparency-dev/merkle (consistency)",
      good: consistency,
      damaged: consistency.replace(/ \S+$/, ` ${rootText}`),
      command: (args) => `foreign consistency ${args}`,
      accepts: "transparency-dev/merkle: accepted",
      line: /accepted|refused/,
    },
    {
      tool: "tessera fsck",
      ...export_,
      command: (dir) => `fsck --storage_url=file://$PWD/${dir} --public_key=ed25519.vkey --ui=false --N 2`,
      accepts: `Successfully fsck'd log with size ${size} and root ${rootText} `,
      line: /fsck'd|rror|mismatch|fail/i,
      byLine: true,
    },
    {
      tool: "litewitness (a head that follows, a fork of it)",
      good: "head.request",
      damaged: "fork.request",
      command: (file) => `curl -sS --fail-with-body --data-binary @${file} ${litewitness}/add-checkpoint`,
      accepts: "\u2014 witness.example/lw ",
      line: any,
    },
    {
      tool: "openssl ts -verify -attime",
      ...folder,
      command: (dir) =>
        `openssl ts -verify -data ${dir}/${authority}/checkpoint -in ${dir}/${authority}/response.tsr -CAfile root.pem -untrusted ${dir}/${authority}/others.pem -attime $(date +%s)`,
      accepts: "Verification: OK",
      line: /Verification|mismatch/,
    },
    {
      tool: "ssh-keygen -Y verify",
      ...folder,
      command: (dir) =>
        `ssh-keygen -Y verify -f ${dir}/act-${act}.signed.allowed -I jane@example.org -n holdfast -s ${dir}/act-${act}.signed.sig < ${dir}/act-${act}.signed`,
      accepts: 'Good "holdfast" signature',
      line: any,
    },
    { tool: "verify-export.mjs (export)", ...export_, command: (dir) => `node verify-export.mjs ${dir}`, accepts: "intact: ", line: any },
    { tool: "verify_export.py (export)", ...export_, command: (dir) => `python3 verify_export.py ${dir}`, accepts: "intact: ", line: any },
    {
      tool: "verify-export.mjs (receipt)",
      ...folder,
      command: (dir) => `node verify-export.mjs --receipt ${dir}/custody.json`,
      accepts: "intact: ",
      line: any,
    },
    {
      tool: "verify_export.py (receipt)",
      ...folder,
      command: (dir) => `python3 verify_export.py --receipt ${dir}/custody.json`,
      accepts: "intact: ",
      line: any,
    },
  ];
}
