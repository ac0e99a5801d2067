/** Synthesizes and bundles into the folder that is its one argument. */
import { putInto } from './deployment.ts';

const [, , folder = ''] = process.argv;
putInto(folder);
