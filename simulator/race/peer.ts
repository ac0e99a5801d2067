/** One who takes part: how it deploys, and where that is known from. */
import type { Arena } from './arena.ts';
import type { Group } from './group.ts';

/** A constant or a behaviour. What nobody published is assumed in the peer's favour. */
export interface Fact {
  readonly what: string;
  readonly known: 'published' | 'assumed';
  /** Where it is published, or why the assumption favours the peer. */
  readonly source: string;
}

export interface Peer {
  readonly name: string;
  readonly facts: readonly Fact[];
  /** Its hosts are an Auto Scaling group's, which replaces one that falls out of service. */
  readonly heals: boolean;
  /** The whole run; returns when it would tell its user that it is over, however it went. */
  readonly run: (arena: Arena, group?: Group) => Promise<void>;
  /** What is left to run when it was stopped by hand; a run on somebody's machine just ends. */
  readonly stopped?: (arena: Arena) => Promise<void>;
}
