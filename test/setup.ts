/** After each file: real time again, whatever it left behind. All files of a worker share one process. */
import { afterAll } from 'vitest';
import { VirtualClock } from '../simulator/virtual-clock.ts';

afterAll(() => VirtualClock.uninstallAny());
