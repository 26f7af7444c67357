/** Where an object is, as receipts and acts say it. `fullKey` has the vault's prefix. */
export function s3Uri(bucket: string, fullKey: string): string {
  return `s3://${bucket}/${fullKey}`;
}
