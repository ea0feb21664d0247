/** Whether a failure says that its caller called too often: in the words of HTTP, gRPC, cloud services and client libraries. */

/**
 * The status codes of HTTP (RFC 6585) and gRPC, then what is written in words, whatever stands between them: rate
 * limit, too many requests, throttled, slow down, request limit exceeded.
 */
const LIMITED =
  /^(429|8|resource_?exhausted)$|rate.?limit|too.?many.?(requests|calls)|throttl|slow.?down|request.?limit|throughput.?exceeded/i;

/** Whether a type of failure (AgentEvent.errorType) stands for a rate limit. */
export function isRateLimited(errorType: string | null): boolean {
  return errorType !== null && LIMITED.test(errorType);
}
