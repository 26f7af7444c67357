import type { IamAccount, IamWorld } from "./iam-world.ts";
import { AwsRefusal, type Reply } from "./service.ts";

export function generateReport(account: IamAccount): Reply {
  if (account.report.kind === "complete") return { xml: { State: "COMPLETE" } };
  if (account.report.kind === "started") return { xml: { State: "INPROGRESS" } };
  account.report = { kind: "started", asked: 0 };
  return { xml: { State: "STARTED", Description: "No report exists. Starting a new report generation task" } };
}

/** The codes are those of the model's error shapes. */
export function getReport(world: IamWorld, account: IamAccount, number: string, now: Date): Reply {
  const { report } = account;
  if (report.kind === "none") throw new AwsRefusal("ReportNotPresent", "No report exists.", 410);
  if (report.kind === "started") {
    report.asked += 1;
    if (report.asked <= world.reportWaits) throw new AwsRefusal("ReportInProgress", "The report is being generated.", 404);
    account.report = { kind: "complete", at: now };
  }
  const at = account.report.kind === "complete" ? account.report.at : now;
  const head =
    "user,arn,user_creation_time,password_enabled,mfa_active,access_key_1_active,access_key_1_last_rotated,access_key_2_active,access_key_2_last_rotated";
  const rows = [...account.users.values()].map((user) => {
    const keys = [0, 1].flatMap((i) => {
      const key = user.keys[i];
      return key === undefined ? ["false", "N/A"] : [String(key.status === "Active"), key.created.toISOString()];
    });
    return [user.name, `arn:aws:iam::${number}:user/${user.name}`, user.created.toISOString(), "false", "false", ...keys].join(",");
  });
  return { xml: { Content: Buffer.from([head, ...rows, ""].join("\n")).toString("base64"), ReportFormat: "text/csv", GeneratedTime: at } };
}
