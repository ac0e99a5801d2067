#!/usr/bin/env node
/**
 * What `npx --no -- irekae` runs: hands over to `irekae.ts`. The command is TypeScript like everything else here, and tsx loads
 * it; it is named from this file, so that the command works in any folder.
 */
let tsx;
try {
  tsx = await import('tsx/esm/api');
} catch {
  console.error('irekae is not installed yet: run `npm ci` in its folder first (without --omit=dev).');
  process.exit(1);
}
tsx.register();
await import('./irekae.ts');
