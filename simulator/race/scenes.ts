/** What is raced: fleets of both tunings and sizes on a good day, and the three bad days that every tool meets. */
import { type BalancerTuning, TUNED, UNTUNED } from '../stage.ts';

/** `none`: all goes well. */
export type Trouble = 'none' | 'never-healthy' | 'dies' | 'breaks';
export type Tuning = 'tuned' | 'default';

export interface Scene {
  readonly tuning: Tuning;
  /** Old hosts, and as many new ones. */
  readonly size: 2 | 10;
  readonly trouble: Trouble;
}

export const BALANCERS: Readonly<Record<Tuning, BalancerTuning>> = { tuned: TUNED, default: UNTUNED };

export const SCENES: readonly Scene[] = [
  { tuning: 'tuned', size: 2, trouble: 'none' },
  { tuning: 'tuned', size: 10, trouble: 'none' },
  { tuning: 'default', size: 2, trouble: 'none' },
  { tuning: 'default', size: 10, trouble: 'none' },
  { tuning: 'tuned', size: 2, trouble: 'never-healthy' },
  { tuning: 'tuned', size: 2, trouble: 'dies' },
  { tuning: 'tuned', size: 2, trouble: 'breaks' },
  { tuning: 'default', size: 2, trouble: 'breaks' },
];

const TITLES: Readonly<Record<Trouble, string>> = {
  none: 'All goes well',
  'never-healthy': 'The new hosts never get healthy',
  dies: 'The run dies at a random moment',
  breaks: 'A new host breaks within a minute after the shift',
};
const SETTINGS: Readonly<Record<Tuning, string>> = { tuned: 'tuned ELB', default: 'ELB defaults' };

export const titleOf = ({ trouble, tuning, size }: Scene): string =>
  `${TITLES[trouble]}: ${SETTINGS[tuning]}, ${size} hosts`;

/** A host breaks at a random moment of so many seconds after the shift. */
export const BREAKS_WITHIN_SECONDS = 60;
