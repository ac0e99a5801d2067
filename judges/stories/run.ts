/** What the process inside a namespace (`inside.ts`) is told, and what it leaves in its folder. */
import type { Deployment } from './deployment.ts';
import type { StoryName } from './list.ts';

export interface Run extends Pick<Deployment, 'stacks' | 'functions' | 'sandbox'> {
  readonly story: StoryName;
  readonly python: string;
  /** Of its own: logs, requests. */
  readonly folder: string;
  readonly key: string;
  readonly certificate: string;
  /** Epoch seconds. */
  readonly start: number;
}

/** Every request that a function has sent to AWS: a line of JSON each, with its role and its secret key. */
export const REQUESTS = 'requests.jsonl';
/** Instance id → the tags that it has in the end. */
export const TAGS = 'tags.json';
