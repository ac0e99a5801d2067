/**
 * Bundles use this file in place of `@smithy/core/event-streams` (an esbuild alias): the SDK loads it for calls that
 * answer with a stream of events, of which no step makes one, and it adds 15 kB to each bundle.
 */
const unused = (): never => {
  throw new Error('No call of a step answers with a stream of events.');
};

/** S3's client asks for it when it is made, for a call that nobody makes. */
export const resolveEventStreamSerdeConfig = <T>(input: T): T => input;
export const eventStreamSerdeProvider = unused;
export const EventStreamSerde = unused;
