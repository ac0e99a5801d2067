/**
 * The acts of a deployment, and what each promises. An act begins with a state of `lib/deploy-story.ts` and ends where
 * the next one begins, so a new state finds its act by itself; where its failures lead is read off the definition.
 */
import type { ActPlan } from './story.ts';

export const ACTS: readonly ActPlan[] = [
  { title: 'Agree', promise: 'Nothing is changed yet.', begins: 'Open the deployment' },
  { title: 'Bring up', promise: 'A failure is undone.', begins: 'Launch new instances' },
  {
    title: 'Shift traffic',
    promise: 'Undone in seconds: the old hosts still run.',
    begins: 'Take old hosts out of service',
  },
  {
    title: 'Remove',
    promise: 'Nothing is undone anymore, only finished.',
    begins: 'Terminate old instances',
  },
];
