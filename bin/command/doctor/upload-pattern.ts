/** Is this an event pattern that S3's uploads match? */
export function isUploadPattern(pattern: unknown): boolean {
  const { source } = Object(pattern);
  return Array.isArray(source) && source.includes('aws.s3');
}
