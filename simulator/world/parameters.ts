/** The modelled SSM Parameter Store: names and values, decrypted. */

export class ParametersModel {
  readonly #values = new Map<string, string>();

  set(name: string, value: string): void {
    this.#values.set(name, value);
  }

  delete(name: string): void {
    this.#values.delete(name);
  }

  read(name: string): string | undefined {
    return this.#values.get(name);
  }
}
