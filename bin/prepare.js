/** `npm ci` in a clone, `npm pack`, an install from git: makes `dist/`, except where there is nothing to make it with. */
try {
  await import('tsx/esm/api');
} catch {
  console.error('irekae: without the development dependencies, nothing is compiled here.');
  process.exit(0);
}
const { register } = await import('tsx/esm/api');
register();
await import('./build.ts');
