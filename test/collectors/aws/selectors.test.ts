import type { GetEventSelectorsResponse } from "@aws-sdk/client-cloudtrail";
import { expect, test } from "vitest";
import { leftOut } from "../../../collectors/aws/access-logs/selectors.ts";

const management = { Field: "eventCategory", Equals: ["Management"] };

// The narrowings of the CloudTrail User Guide, "Logging management events with the AWS CLI", basic and advanced.
test.for<[string, GetEventSelectorsResponse, string | null]>([
  ["all, basic", { EventSelectors: [{ ReadWriteType: "All", IncludeManagementEvents: true }] }, null],
  ["all, advanced", { AdvancedEventSelectors: [{ FieldSelectors: [management] }] }, null],
  ["none named", {}, null],
  ["reads and writes by two selectors", { EventSelectors: [{ ReadWriteType: "ReadOnly" }, { ReadWriteType: "WriteOnly" }] }, null],
  [
    "one whole beside a narrowed one",
    { AdvancedEventSelectors: [{ FieldSelectors: [management, { Field: "readOnly", Equals: ["true"] }] }, { FieldSelectors: [management] }] },
    null,
  ],
  ["writes left out", { EventSelectors: [{ ReadWriteType: "ReadOnly" }] }, "its selectors leave out management events, or those that read or write"],
  [
    "keys left out",
    { EventSelectors: [{ ReadWriteType: "All", ExcludeManagementEventSources: ["kms.amazonaws.com"] }] },
    "its selectors leave out management events of kms.amazonaws.com",
  ],
  [
    "data events only",
    { AdvancedEventSelectors: [{ FieldSelectors: [{ Field: "eventCategory", Equals: ["Data"] }] }] },
    "its selectors leave out management events",
  ],
  [
    "reads only, and without keys",
    {
      AdvancedEventSelectors: [
        { FieldSelectors: [management, { Field: "readOnly", Equals: ["true"] }, { Field: "eventSource", NotEquals: ["kms.amazonaws.com"] }] },
      ],
    },
    "its selectors take management events by readOnly, eventSource only",
  ],
])("what a trail's selectors leave out is told: %s", ([, selectors, said]) => {
  expect(leftOut(selectors)).toBe(said);
});
