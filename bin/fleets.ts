/**
 * Your environments and the fleets in them, when you work in a clone: put your own file in place of the line below; the
 * example is a good beginning. `npm run synth` lists everything that is wrong with it. Tests and documents are made from
 * the example and stay as they are.
 */
export { fleetsFile } from '../examples/reactio/fleets.ts';
