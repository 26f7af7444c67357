import type { Exhibit } from "../core/exhibit.ts";
import { receiptLine } from "./collect-result.ts";
import { present } from "./output.ts";
import type { Session } from "./session.ts";

export async function exhibits(session: Session, caseId: string | null): Promise<number> {
  const app = await session.app();
  const list: readonly Exhibit[] = app.cases.exhibits(caseId);
  present(session.output, { schema: "holdfast.exhibits/1", exhibits: list } as { schema: string }, list, () =>
    list.length === 0 ? ["no exhibits"] : list.map(receiptLine),
  );
  return 0;
}
