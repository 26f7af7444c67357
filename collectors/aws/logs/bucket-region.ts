/** The oldest Regions have names of their own here (API reference, GetBucketLocation). */
export function bucketRegion(location: string | undefined): string {
  return location === undefined || location === "" ? "us-east-1" : location === "EU" ? "eu-west-1" : location;
}
