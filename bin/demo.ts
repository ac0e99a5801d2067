/** `npm start`: the fleets of the fleets file, played in the modelled world. */
import { loadFleets } from '../lib/fleets-file.ts';
import { demo } from '../simulator/demo.ts';

process.exitCode = await demo(process.argv.slice(2), (given?: string) => loadFleets({ given }));
