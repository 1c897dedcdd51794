/** Part of the workflow bundle of workers that encrypt. */
import { DefaultFailureConverter } from '@temporalio/common';

/** Puts messages and stack traces of failures where payload codecs can encrypt them. */
export const failureConverter = new DefaultFailureConverter({ encodeCommonAttributes: true });
