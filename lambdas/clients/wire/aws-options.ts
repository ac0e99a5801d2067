/**
 * How every AWS client of a step is set up: time-outs that end well inside a function's own, and two more tries.
 * The SDK's defaults wait for ever, so a lost packet would look like a step that hangs (`StepTimedOut`).
 */
export const AWS_CLIENT_OPTIONS = {
  maxAttempts: 3,
  requestHandler: {
    connectionTimeout: 2_000,
    /** Until the answer begins. */
    requestTimeout: 10_000,
    /** Without this, `requestTimeout` only logs a warning and goes on waiting. */
    throwOnRequestTimeout: true,
    /** Silence in the middle of an answer. */
    socketTimeout: 10_000,
  },
};
