/** SSM parameters. */

export interface Parameters {
  /** The parameter's value, decrypted; `undefined` when SSM says that there is none. */
  read(name: string): Promise<string | undefined>;
}
