/** What gRPC says about a call to the Temporal server that failed. */
import { isGrpcServiceError, ServiceError } from '@temporalio/client';

/** Statuses that last until somebody acts: INVALID_ARGUMENT, PERMISSION_DENIED, UNIMPLEMENTED, UNAUTHENTICATED. */
const REFUSALS = [3, 7, 12, 16];

/** gRPC's own error, bare or as the cause of the SDK's; undefined for any other error. */
export function grpcFailure(error: unknown): { code: number; details: string } | undefined {
  const own = error instanceof ServiceError ? error.cause : error;
  return isGrpcServiceError(own) ? own : undefined;
}

/** Whether the server did answer, and would give the same answer again. */
export const isRefused = (error: unknown): boolean => REFUSALS.includes(grpcFailure(error)?.code ?? 0);

/** What went wrong, in gRPC's words if there are any, without a full stop. */
export function detailsOf(error: Error): string {
  const words = grpcFailure(error)?.details || (error.cause as Error | undefined)?.message || error.message;
  return words.replace(/\.$/, '');
}
