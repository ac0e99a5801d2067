/** Are colours wanted here? As Node and most programs decide it. */

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * `FORCE_COLOR` has the last word (`0` and `false` mean none), then `NO_COLOR`, whatever it says; else a terminal gets
 * them that is not a dumb one.
 */
export function wantsColour(env: Environment, isTerminal: boolean): boolean {
  const { FORCE_COLOR: forced, NO_COLOR: no, TERM: term } = env;
  if (forced !== undefined) return forced !== '0' && forced !== 'false';
  return isTerminal && term !== 'dumb' && (no === undefined || no === '');
}
