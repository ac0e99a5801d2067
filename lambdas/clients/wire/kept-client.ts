/**
 * A client that lives as long as the function's sandbox. Made anew for each invocation it would leave its connections
 * open, each time some more, and every invocation would begin with a handshake.
 */
export function keptClient<T>(make: () => T): () => T {
  let kept: { readonly client: T } | undefined;
  return () => {
    kept ??= { client: make() };
    return kept.client;
  };
}
