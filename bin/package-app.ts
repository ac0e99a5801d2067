/** The one-line app of a package: `import '@irekae/irekae/app'`, or `node node_modules/@irekae/irekae/dist/app.js`. */
import { irekaeApp } from '../lib/irekae-environments.ts';

(await irekaeApp())?.synth();
