/** What a judge is: a program by somebody else that says yes or no to what is deployed. One file, one exported object. */
export interface Judge {
  readonly name: string;
  /** What is missing here, and what installs it; absent: it can judge. */
  readonly missing: () => string | undefined;
  /** Everything that it has against the product, in sentences; and how much it has looked at, which `all` may extend. */
  readonly judge: (all: boolean) => Promise<Verdict>;
  /** The same with the product broken on purpose: it must have something against it. */
  readonly control: () => Promise<Verdict>;
}

export interface Verdict {
  readonly looked: string;
  readonly against: readonly string[];
}

/** For a control with several breakages: each must be objected to, or there is nothing against any. */
export const whereEachObjects = (parts: readonly (readonly string[])[]): readonly string[] =>
  parts.every(({ length }) => length > 0) ? parts.flat() : [];
