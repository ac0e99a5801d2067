/** How irekae's records and pages lie in S3, whoever writes them there. */
import type { S3Content } from './s3-request.ts';

/** Indented: people open it in the console. */
export const recordContent = (record: unknown): S3Content => ({
  text: JSON.stringify(record, null, 2),
  type: 'application/json',
});

export const pageContent = (html: string): S3Content => ({ text: html, type: 'text/html; charset=utf-8' });
