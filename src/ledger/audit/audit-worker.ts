import { parentPort, workerData } from "node:worker_threads";
import { HoldfastError } from "../../core/error.ts";
import { openForReading } from "../store/database.ts";
import { LEDGER_APPLICATION_ID } from "../store/schema.ts";
import type { ThreadAnswer, ThreadData, ThreadOrder } from "./audit-threads.ts";
import { integrityComplaints } from "./integrity.ts";
import { pageCheck } from "./page-check.ts";

const port = parentPort;
if (port === null) throw new HoldfastError("unexpected", "audit-worker runs as a worker thread only");
const { file, origin }: ThreadData = workerData;
const { db } = openForReading(file, LEDGER_APPLICATION_ID);
db.pragma("cache_size=-2000"); // rows are read once, in order
db.exec("BEGIN");
const check = pageCheck(db, origin);

function answer(order: ThreadOrder): ThreadAnswer {
  switch (order.kind) {
    case "integrity":
      try {
        return { kind: "integrity", complaints: integrityComplaints(db) };
      } catch {
        return { kind: "integrity", complaints: null };
      }
    case "page":
      return { kind: "page", page: check(order.from, order.to) };
    default:
      return order satisfies never;
  }
}

port.on("message", (order: ThreadOrder) => port.postMessage(answer(order)));
