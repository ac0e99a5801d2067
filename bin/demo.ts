/** `npm start`: the fleets of `fleets.ts`, played in the modelled world. */
import { demo } from '../simulator/demo.ts';
import { fleetsFile } from './fleets.ts';

process.exitCode = await demo(process.argv.slice(2), fleetsFile);
