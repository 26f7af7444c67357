/** What the common world of the tests is called by: two accounts, one Region, one machine. */
export const worldNames = {
  account: "111122223333",
  evidence: "444455556666",
  region: "eu-west-1",
  instance: "i-0123456789abcdef0",
  rootVolume: "vol-0aaaaaaaaaaaaaaaa",
  dataVolume: "vol-0bbbbbbbbbbbbbbbb",
  image: "ami-0123456789abcdef0",
  scalingGroup: "web",
  /** Profile, role and security group. */
  web: "web",
  balancer: "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/app/web/0123456789abcdef",
  trail: "main",
  flowGroup: "flow/web",
  applicationGroup: "/app/web",
  /** To be assumed from the victim's account, with the external id. */
  evidenceRole: "arn:aws:iam::444455556666:role/holdfast-evidence",
  externalId: "case-42",
  buckets: { trail: "trail-bucket", flow: "flow-logs", access: "access-logs", balancer: "elb-logs" },
} as const;

export type Place = { readonly account: string; readonly region: string };
export const victimPlace: Place = { account: worldNames.account, region: worldNames.region };
export const born: Date = new Date("2026-01-01T00:00:00.000Z");
