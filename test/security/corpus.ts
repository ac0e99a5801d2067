/** How many hostile things a test has tried: said in its name, and once on the console. */
export function corpus(what: string, items: readonly unknown[]): string {
  const said = `${items.length} hostile ${what}`;
  console.info(`security: ${said}`);
  return said;
}
